import { Kbd, Modal } from '@mantine/core'
import type { ReactElement } from 'react'
import { NOT_A_BANNER } from '../ui/dialog'
import classes from './HelpDialog.module.css'
import { Settings } from './Settings'
import { SHORTCUTS } from './shortcuts'

interface Props {
  /** Whether to offer the settings here, for want of room elsewhere. */
  settings: boolean
  onClose: () => void
}

export default function HelpDialog({ settings, onClose }: Props): ReactElement {
  return (
    <Modal
      opened
      onClose={onClose}
      title={settings ? 'Settings and help' : 'Help'}
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={NOT_A_BANNER}
    >
      {settings ? (
        <section className={classes.section}>
          <h3>Times and theme</h3>
          <Settings />
        </section>
      ) : null}
      <section className={classes.section}>
        <h3>Keys</h3>
        <dl className={classes.keys}>
          {SHORTCUTS.map(({ keys, says }) => (
            <div key={says}>
              <dt>{says}</dt>
              <dd>
                {keys.map((key) => (
                  <Kbd key={key}>{key}</Kbd>
                ))}
              </dd>
            </div>
          ))}
        </dl>
      </section>
      <section className={classes.section}>
        <h3>More</h3>
        <p>
          <a href="/docs">The API&rsquo;s reference</a>, <a href="/openapi.json">OpenAPI</a>,{' '}
          <a href="/asyncapi.json">AsyncAPI</a>, <a href="/readyz">readiness</a>
        </p>
      </section>
    </Modal>
  )
}
