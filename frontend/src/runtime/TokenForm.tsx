import { Button, TextInput } from '@mantine/core'
import { useEffect, useRef, useState, type ReactElement, type SubmitEvent } from 'react'
import { readTree } from '../api/admin'
import { ApiError, sentenceOf } from '../api/problem'
import { Panel } from '../ui/Panel'
import { keepToken, tokenFault } from './token'
import classes from './TokenForm.module.css'

const WRONG = 'The API does not take this token.'
const NO_LONGER = 'The API does not take the token that was given before.'

interface Props {
  /** Whether a token was given, and is not taken. */
  refused: boolean
  onTaken: () => void
}

/** Asks for the token, and keeps it once the API has taken it. */
export function TokenForm({ refused, onTaken }: Props): ReactElement {
  const [text, setText] = useState('')
  const [fault, setFault] = useState<string | null>(refused ? NO_LONGER : null)
  const [failure, setFailure] = useState<string | null>(null)
  const [asking, setAsking] = useState(false)
  const leaving = useRef<AbortController>(null)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const controller = new AbortController()
    leaving.current = controller
    return () => {
      controller.abort()
    }
  }, [])

  const refuse = (sentence: string): void => {
    setFault(sentence)
    input.current?.focus()
  }
  const submit = async (): Promise<void> => {
    const token = text.trim()
    const wrong = tokenFault(token)
    setFailure(null)
    setFault(null)
    if (wrong !== null) {
      refuse(wrong)
      return
    }
    const signal = leaving.current?.signal ?? new AbortController().signal
    setAsking(true)
    try {
      await readTree(token, signal)
      keepToken(token)
      onTaken()
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && error.status === 401) refuse(WRONG)
      else setFailure(sentenceOf(error))
    } finally {
      setAsking(false)
    }
  }

  return (
    <Panel title="For administrators">
      <form
        noValidate
        className={classes.form}
        onSubmit={(event: SubmitEvent) => {
          event.preventDefault()
          void submit()
        }}
      >
        <TextInput
          ref={input}
          label="Token"
          description="What ADMIN_TOKEN is set to where the API runs. It is kept in this tab until you close it."
          type="password"
          autoComplete="off"
          value={text}
          error={fault}
          onChange={(event) => {
            setText(event.currentTarget.value)
          }}
        />
        {failure === null ? null : (
          <p role="alert" className={classes.failure}>
            {failure}
          </p>
        )}
        <Button type="submit" loading={asking}>
          Show the processes
        </Button>
      </form>
    </Panel>
  )
}
