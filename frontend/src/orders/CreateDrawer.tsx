import { Button, Drawer, TextInput } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useRef, useState, type ReactElement, type SubmitEvent } from 'react'
import { createOrder } from '../api/client'
import { ApiError, sentenceOf } from '../api/problem'
import type { AcceptedOrder } from '../api/types'
import { useFeed } from '../feed/context'
import { NOT_A_BANNER } from '../ui/dialog'
import { Icon } from '../ui/Icon'
import { randomUuid } from '../ui/uuid'
import classes from './CreateDrawer.module.css'
import { formErrors, formOf, orderOf, PRESETS, type Field, type FieldErrors } from './form'
import { createOnce, sleep } from './generate'
import { GeneratePanel } from './GeneratePanel'
import { shortId } from './text'

const FIELDS: { name: Field; label: string; type: string; inputMode: 'email' | 'text' | 'numeric' | 'decimal' }[] = [
  { name: 'email', label: 'Customer’s email', type: 'email', inputMode: 'email' },
  { name: 'sku', label: 'SKU', type: 'text', inputMode: 'text' },
  { name: 'quantity', label: 'Quantity', type: 'text', inputMode: 'numeric' },
  { name: 'amount', label: 'Amount', type: 'text', inputMode: 'decimal' },
]

export default function CreateDrawer({ onClose }: { onClose: () => void }): ReactElement {
  const feed = useFeed()
  const [form, setForm] = useState(() => formOf(PRESETS[0].order))
  const [errors, setErrors] = useState<FieldErrors>({})
  const [failure, setFailure] = useState<string | null>(null)
  const [sending, setSending] = useState(false)
  const [created, setCreated] = useState<AcceptedOrder[]>([])
  const leaving = useRef(new AbortController())

  const refused = (error: unknown): void => {
    const found = error instanceof ApiError ? formErrors(error.fields) : {}
    setErrors(found)
    setFailure(Object.keys(found).length > 0 ? null : sentenceOf(error))
  }
  const checked = () => {
    const result = orderOf(form)
    setErrors('errors' in result ? result.errors : {})
    setFailure(null)
    return 'order' in result ? result.order : null
  }
  const submit = async (): Promise<void> => {
    const order = checked()
    if (!order) return
    setSending(true)
    try {
      const onRetry = (error: ApiError): void => {
        setFailure(`${error.message} Sending it again…`)
      }
      const means = { post: createOrder, sleep, newKey: randomUuid, onRetry }
      const accepted = (await createOnce(order, means, leaving.current.signal)) as AcceptedOrder
      setCreated((before) => [accepted, ...before])
      setFailure(null)
      feed.refresh()
    } catch (error) {
      if (!leaving.current.signal.aborted) refused(error)
    } finally {
      setSending(false)
    }
  }
  const close = (): void => {
    leaving.current.abort()
    onClose()
  }

  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      title="New order"
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={NOT_A_BANNER}
    >
      <div className={classes.presets} role="group" aria-label="Presets">
        {PRESETS.map(({ name, says, order }) => (
          <button
            key={name}
            type="button"
            className={classes.preset}
            onClick={() => {
              setForm(formOf(order))
              setErrors({})
            }}
          >
            <span>{name}</span>
            <small>{says}</small>
          </button>
        ))}
      </div>
      <form
        noValidate
        onSubmit={(event: SubmitEvent) => {
          event.preventDefault()
          void submit()
        }}
      >
        {FIELDS.map(({ name, label, type, inputMode }) => (
          <TextInput
            key={name}
            mb="sm"
            label={label}
            type={type}
            inputMode={inputMode}
            value={form[name]}
            error={errors[name]}
            autoComplete="off"
            data-autofocus={name === 'email' || undefined}
            onChange={(event) => {
              setForm({ ...form, [name]: event.currentTarget.value })
            }}
          />
        ))}
        {failure === null ? null : (
          <p role="alert" className={classes.failure}>
            {failure}
          </p>
        )}
        <Button type="submit" fullWidth loading={sending}>
          Create order
        </Button>
      </form>
      <ul className={classes.created} aria-label="Created orders" aria-live="polite">
        {created.slice(0, 5).map((order) => (
          <li key={order.id}>
            <Icon name="check" size={14} />
            <span>Order accepted:</span>
            <Link to="/orders/$id" params={{ id: order.id }} className="mono">
              {shortId(order.id)}
            </Link>
          </li>
        ))}
      </ul>
      <GeneratePanel orderOfForm={checked} onRefused={refused} onDone={() => { feed.refresh() }} />
    </Drawer>
  )
}
