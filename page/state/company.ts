import { visible } from '../../protocol/visible-text.ts'
import type { Store } from './store.ts'

/** Say in place who else looks at this viewer, and what each of them changes; nothing while nobody does. */
export function tellCompany(store: Store, others: readonly string[]): void {
  if (others.length === 0) store.dismiss('company')
  else store.notify({ topic: 'company', level: 'info', text: companySentence(others) })
}

function companySentence(others: readonly string[]): string {
  const shown = others.slice(0, MAX_NAMES).map(visible)
  const more = others.length > shown.length ? [`${others.length - shown.length} more`] : []
  const names = [...shown, ...more].join(', ').replace(/, ([^,]*)$/, ' and $1')
  return `${names} ${others.length === 1 ? 'is' : 'are'} here, too. ${WHAT_EACH_CHANGES}`
}

const MAX_NAMES = 3
const WHAT_EACH_CHANGES =
  'Each of you has colour, camera, filters and selection of your own. The notebook reads what was selected last, and what ' +
  'its code changes (viewer.set_color_by, …) changes for all.'
