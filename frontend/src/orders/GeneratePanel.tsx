import { Button, Progress as Bar, SegmentedControl } from '@mantine/core'
import { useEffect, useRef, useState, type ReactElement } from 'react'
import { createOrder } from '../api/client'
import { sentenceOf } from '../api/problem'
import type { NewOrder } from '../api/types'
import { randomUuid } from '../ui/uuid'
import classes from './CreateDrawer.module.css'
import { mixed } from './form'
import { generate, sleep, type Progress } from './generate'

const COUNT = 50

interface Props {
  /** The order of the form, or null after it showed what is wrong with it. */
  orderOfForm: () => NewOrder | null
  onRefused: (error: unknown) => void
  onDone: () => void
}

function progressText({ created, total, retries, running, error }: Progress): string {
  const again = retries === 0 ? '' : `, ${String(retries)} sent again`
  const end = running ? '…' : error || created < total ? ', stopped' : ', done'
  return `${String(created)} of ${String(total)} created${again}${end}`
}

/** Many orders at once; closing the drawer stops it. */
export function GeneratePanel({ orderOfForm, onRefused, onDone }: Props): ReactElement {
  const [kind, setKind] = useState<'mix' | 'form'>('mix')
  const [progress, setProgress] = useState<Progress | null>(null)
  const current = useRef<AbortController | null>(null)
  useEffect(() => () => current.current?.abort(), [])

  const start = async (): Promise<void> => {
    const order = orderOfForm()
    if (!order) return
    const controller = new AbortController()
    current.current = controller
    const orders = Array.from({ length: COUNT }, (_, index) => (kind === 'mix' ? mixed(order, index) : order))
    const means = { post: createOrder, sleep, newKey: randomUuid, onProgress: setProgress }
    const { error } = await generate(orders, means, controller.signal)
    if (error) onRefused(error)
    onDone()
  }

  const running = progress?.running === true
  return (
    <section className={classes.generate} aria-labelledby="generate">
      <h3 id="generate">Many at once</h3>
      <p>Each has an Idempotency-Key of its own: sent again after a failure, it is still created once.</p>
      <div className={classes.row}>
        <SegmentedControl
          size="xs"
          aria-label="Which orders to generate"
          value={kind}
          onChange={setKind}
          data={[
            { value: 'mix', label: 'A mix of outcomes' },
            { value: 'form', label: 'As above' },
          ]}
        />
        {running ? (
          <Button variant="default" size="xs" onClick={() => current.current?.abort()}>
            Stop
          </Button>
        ) : (
          <Button variant="default" size="xs" onClick={() => void start()}>
            Generate {COUNT}
          </Button>
        )}
      </div>
      {progress ? (
        <div className={classes.progress}>
          <Bar
            value={(100 * progress.created) / progress.total}
            color={progress.error ? 'red' : 'teal'}
            aria-label="Orders created"
          />
          <span role="status">{progressText(progress)}</span>
          {progress.error ? <span role="alert"> {sentenceOf(progress.error)}</span> : null}
        </div>
      ) : null}
    </section>
  )
}
