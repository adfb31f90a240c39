import { Button, Modal, TextInput } from '@mantine/core'
import { useState, type ReactElement, type SubmitEvent } from 'react'
import { act, type AdminTree } from '../api/admin'
import { sentenceOf } from '../api/problem'
import { NOT_A_BANNER } from '../ui/dialog'
import classes from './ActDialog.module.css'
import { consequenceOf, isHard, outcomeOf, VERBS, type Outcome } from './actions'
import type { Asked } from './Processes'
import { nameOf, processesWith } from './tree'

const REASON_CHARS_MAX = 200

interface Props {
  asked: Asked
  tree: AdminTree
  token: string | null
  onClose: () => void
  onDone: (outcome: Outcome) => void
}

/** Says what an action will do, and does it when that is wanted. */
export function ActDialog({ asked, tree, token, onClose, onDone }: Props): ReactElement {
  const { action, node, process } = asked
  const [everywhere, setEverywhere] = useState(false)
  const [reason, setReason] = useState('')
  const [failure, setFailure] = useState<string | null>(null)
  const [sending, setSending] = useState(false)
  const there = processesWith(tree, node.path)
  const title = `${VERBS[action]} ${node.path}`

  const submit = async (): Promise<void> => {
    setSending(true)
    setFailure(null)
    const why = reason.trim()
    try {
      const results = await act(token, {
        action,
        path: node.path,
        process: everywhere ? null : process.id,
        ...(why !== '' && { reason: why }),
      })
      onDone(outcomeOf(action, node.path, results, tree.processes))
      onClose()
    } catch (error) {
      setFailure(sentenceOf(error))
      setSending(false)
    }
  }

  return (
    <Modal
      opened
      onClose={onClose}
      // What had the focus may be gone when this is closed; the page knows where to go.
      returnFocus={false}
      title={`${title}?`}
      closeButtonProps={{ 'aria-label': 'Close' }}
      attributes={NOT_A_BANNER}
    >
      <form
        className={classes.form}
        onSubmit={(event: SubmitEvent) => {
          event.preventDefault()
          void submit()
        }}
      >
        <p>{consequenceOf(action, node)}</p>
        {there.length > 1 ? (
          <fieldset className={classes.where}>
            <legend>Where</legend>
            <Choice chosen={!everywhere} text={`In this process: ${nameOf(process)}`} onChoose={() => { setEverywhere(false) }} />
            <Choice
              chosen={everywhere}
              text={`In all ${String(there.length)} processes that have it`}
              onChoose={() => { setEverywhere(true) }}
            />
          </fieldset>
        ) : (
          <p className="muted">In {nameOf(process)}.</p>
        )}
        <TextInput
          label="Reason, for the log (optional)"
          value={reason}
          maxLength={REASON_CHARS_MAX}
          autoComplete="off"
          onChange={(event) => {
            setReason(event.currentTarget.value)
          }}
        />
        {failure === null ? null : (
          <p role="alert" className={classes.failure}>
            {failure}
          </p>
        )}
        <div className={classes.buttons}>
          <Button variant="default" data-autofocus onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={sending} {...(isHard(action) && { className: classes.hard ?? '' })}>
            {title}
          </Button>
        </div>
      </form>
    </Modal>
  )
}

function Choice({ chosen, text, onChoose }: { chosen: boolean; text: string; onChoose: () => void }): ReactElement {
  return (
    <label>
      <input type="radio" name="where" checked={chosen} onChange={onChoose} />
      {text}
    </label>
  )
}
