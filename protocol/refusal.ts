import * as v from 'valibot'

const MAX_CHARACTERS = 300
const MAX_NAME_CHARACTERS = 64

/**
 * What a message says of itself, for a sentence: `event "selection"`, `command "highlight"`, `message "state"`.
 * @param header as it came; nothing of it is trusted
 */
export function messageName(header: Record<string, unknown>): string {
  for (const part of ['event', 'command']) {
    const kind = Object(header[part]).kind
    if (typeof kind === 'string') return `${part} "${kind.slice(0, MAX_NAME_CHARACTERS)}"`
  }
  const { kind } = header
  return typeof kind === 'string' ? `message "${kind.slice(0, MAX_NAME_CHARACTERS)}"` : 'message without a kind'
}

/** Where a message misses its schema, and by what: the first miss, short. */
export function missOf(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const [issue] = issues
  const path = v.getDotPath(issue)
  return `${path === null ? '' : `${path}: `}${issue.message}`.slice(0, MAX_CHARACTERS)
}
