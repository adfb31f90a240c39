import { SegmentedControl, useMantineColorScheme, VisuallyHidden, type MantineColorScheme } from '@mantine/core'
import type { ReactElement } from 'react'
import { Icon, type IconName } from '../ui/Icon'
import { setZone, useZone } from '../ui/preferences'
import type { Zone } from '../format/time'
import classes from './Settings.module.css'

const ZONES: { value: Zone; label: string }[] = [
  { value: 'local', label: 'Local' },
  { value: 'utc', label: 'UTC' },
]

const THEMES: { value: MantineColorScheme; name: string; icon: IconName }[] = [
  { value: 'light', name: 'Light', icon: 'sun' },
  { value: 'dark', name: 'Dark', icon: 'moon' },
  { value: 'auto', name: 'As the system', icon: 'screen' },
]

/** Time zone and theme. */
export function Settings(): ReactElement {
  const zone = useZone()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <div className={classes.settings}>
      <SegmentedControl size="xs" aria-label="Times are shown in" data={ZONES} value={zone} onChange={setZone} />
      <SegmentedControl
        size="xs"
        aria-label="Theme"
        value={colorScheme}
        onChange={setColorScheme}
        data={THEMES.map(({ value, name, icon }) => ({
          value,
          label: (
            <span className={classes.theme} title={name}>
              <Icon name={icon} size={14} />
              <VisuallyHidden>{name}</VisuallyHidden>
            </span>
          ),
        }))}
      />
    </div>
  )
}
