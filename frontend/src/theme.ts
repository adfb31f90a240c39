import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

const teal: MantineColorsTuple = [
  '#effaf7',
  '#d9f2ec',
  '#b1e4d9',
  '#84d4c3',
  '#4fbfab',
  '#2aa392',
  '#168678',
  '#0f766e',
  '#0c5f59',
  '#0a4c48',
]

// Mantine's greys of the dark theme, in the tone of `tokens.css`.
const dark: MantineColorsTuple = [
  '#d3dade',
  '#b3bec4',
  '#8a979e',
  '#5f6d75',
  '#3b474e',
  '#2b353b',
  '#1a2125',
  '#151a1d',
  '#101518',
  '#0b0f11',
]

export const theme = createTheme({
  primaryColor: 'teal',
  primaryShade: 7,
  colors: { teal, dark },
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  defaultRadius: 'md',
  respectReducedMotion: true,
  cursorType: 'pointer',
})

const shared = {
  '--mantine-color-body': 'var(--bg)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-dimmed': 'var(--muted)',
  '--mantine-color-placeholder': 'var(--muted)',
  '--mantine-color-anchor': 'var(--accent)',
  '--mantine-color-error': 'var(--bad)',
  '--mantine-color-default': 'var(--surface)',
  '--mantine-color-default-hover': 'var(--raised)',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-default-border': 'var(--line-strong)',
}

/** Mantine's own colours, from the tokens of `tokens.css`. */
export const cssVariables: CSSVariablesResolver = () => ({ variables: {}, light: shared, dark: shared })
