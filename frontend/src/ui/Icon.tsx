import type { ReactElement } from 'react'

const PATHS = {
  bolt: 'M9 2L4 9h3.6L7 14l5-7H8.4z',
  check: 'M3.5 8.5l3 3 6-7',
  chevronDown: 'M4 6l4 4 4-4',
  chevronRight: 'M6 4l4 4-4 4',
  chevronUp: 'M4 10l4-4 4 4',
  circle: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z',
  close: 'M4 4l8 8m0-8l-8 8',
  copy: 'M5.5 5.5h7v8h-7zM3.5 10.5v-8h7',
  help: 'M6 6.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4m0 2.2v.1',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z',
  play: 'M5 3.5l8 4.5-8 4.5z',
  plus: 'M8 3v10M3 8h10',
  refresh: 'M13 5.5A5.5 5.5 0 0 0 3 6m0-3.5V6h3.5M3 10.5A5.5 5.5 0 0 0 13 10m0 3.5V10H9.5',
  screen: 'M2.5 3.5h11v7h-11zM6 13h4',
  search: 'M7 2.8a4.2 4.2 0 1 1 0 8.4 4.2 4.2 0 0 1 0-8.4zM10.2 10.2l3.3 3.3',
  sliders: 'M2.5 4.5h5m4 0h2M2.5 11.5h2m4 0h5M9.5 2.7a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6zM6.5 9.7a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6z',
  stop: 'M4.5 4.5h7v7h-7z',
  sun: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6zM8 1.5v1.6m0 9.8v1.6M1.5 8h1.6m9.8 0h1.6M3.4 3.4l1.1 1.1m7 7l1.1 1.1m0-9.2l-1.1 1.1m-7 7l-1.1 1.1',
  wait: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5v3.2l2 1.3',
  warning: 'M8 2.5l6 10.8H2zM8 6.5v3m0 1.9v.1',
} as const

export type IconName = keyof typeof PATHS

/** A picture beside words that say the same; it has no name of its own. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }): ReactElement {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  )
}
