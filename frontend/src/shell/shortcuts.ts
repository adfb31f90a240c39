/** What a key may do; `go` keys follow a "g". */
export type Action = 'filter' | 'help' | 'new' | 'orders' | 'pipeline' | 'runtime'

export const SHORTCUTS: { keys: string[]; action: Action; says: string }[] = [
  { keys: ['/'], action: 'filter', says: 'Filter the orders' },
  { keys: ['n'], action: 'new', says: 'New order' },
  { keys: ['g', 'o'], action: 'orders', says: 'Go to the orders' },
  { keys: ['g', 'p'], action: 'pipeline', says: 'Go to the pipeline' },
  { keys: ['g', 'r'], action: 'runtime', says: 'Go to the processes' },
  { keys: ['?'], action: 'help', says: 'Show this help' },
]

export const SEQUENCE_MS = 1_200

export interface Typed {
  key: string
  at: number
}

/** The action that a key completes, given the key before it. */
export function actionOf(before: Typed | null, typed: Typed): Action | null {
  const chained = before !== null && typed.at - before.at <= SEQUENCE_MS
  for (const { keys, action } of SHORTCUTS) {
    if (keys.length === 2 && chained && keys[0] === before.key && keys[1] === typed.key) return action
  }
  return SHORTCUTS.find(({ keys }) => keys.length === 1 && keys[0] === typed.key)?.action ?? null
}

/** Whether a key pressed here is text, and none of our business. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || target.closest('input:not([type=checkbox], [type=radio]), textarea, select') !== null
}
