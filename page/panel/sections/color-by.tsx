import { useSignal } from '@preact/signals'
import type { RefObject, VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import type { GeneName } from '../../../protocol/identity.ts'
import { matrixKey } from '../../../protocol/matrix.ts'
import { colorLabel } from '../../columns/colorable.ts'
import { type Suggestion, suggestionsFor } from '../../columns/suggestions.ts'
import { isAbort, sentenceOf } from '../../connection/server-failure.ts'
import { Combobox } from '../controls/combobox.tsx'
import { usePage } from '../page-context.ts'

/** Typing pauses so long between letters. */
const TYPING_MS = 80
const MAX_GENES = 30

type Found = { query: string; matrix: string; genes: readonly GeneName[]; trouble: string | null }
const NOTHING_ASKED: Found = { query: '', matrix: '', genes: [], trouble: null }

/** One box for fields and genes: what colours the cells. */
export function ColorBy({ search }: { search: RefObject<HTMLInputElement | null> }): VNode {
  const { viewer } = usePage()
  const { identity, color, recent, matrix } = viewer.store
  const typed = useSignal('')
  const found = useSignal(NOTHING_ASKED)
  const query = typed.value.trim()
  const place = matrixKey(matrix.value)

  useEffect(() => {
    if (query === '') {
      found.value = NOTHING_ASKED
      return
    }
    const stop = new AbortController()
    const timer = setTimeout(() => {
      viewer.client.genes(query, { matrix: matrix.value, limit: MAX_GENES }, stop.signal).then(
        ({ genes }) => {
          found.value = { query, matrix: place, genes, trouble: null }
        },
        (error: unknown) => {
          if (!isAbort(error)) found.value = { query, matrix: place, genes: [], trouble: sentenceOf(error) }
        },
      )
    }, TYPING_MS)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [query, place])

  // What was found in another matrix is no answer for this one.
  const { genes, trouble } = found.value.matrix === place ? found.value : NOTHING_ASKED
  const choose = ({ by }: Suggestion) => {
    // The sentence about a failure is in its place already.
    viewer.setColor(by).catch(() => undefined)
  }
  return (
    <section>
      <Combobox
        id="color-by"
        label="Colour by"
        placeholder="gene or field"
        shown={color.value === null ? '' : colorLabel(color.value.by)}
        typed={typed}
        suggestions={
          identity.value === null
            ? []
            : suggestionsFor({ identity: identity.value, recent: recent.value, matrix: matrix.value }, genes, query)
        }
        isComplete={found.value.query === query && found.value.matrix === place}
        nothing={trouble ?? `No field or gene matches “${query}”.`}
        inputRef={search}
        onChoose={choose}
      />
    </section>
  )
}
