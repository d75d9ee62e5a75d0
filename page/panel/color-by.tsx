import { useSignal } from '@preact/signals'
import type { RefObject, VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { isAbort, sentenceOf } from '../failure.ts'
import { fieldSuggestions, geneSuggestions, type Suggestion } from '../suggestions.ts'
import { Combobox } from './combobox.tsx'
import { usePage } from './page-context.ts'

/** Typing pauses so long between letters. */
const TYPING_MS = 80
const MAX_GENES = 30

/** One box for fields and genes: what colours the cells. */
export function ColorBy({ search }: { search: RefObject<HTMLInputElement | null> }): VNode {
  const { viewer } = usePage()
  const { identity, color } = viewer.store
  const query = useSignal('')
  const genes = useSignal<readonly Suggestion[]>([])
  const trouble = useSignal<string | null>(null)

  useEffect(() => {
    const stop = new AbortController()
    const asked = query.value.trim()
    if (asked === '') genes.value = []
    const timer = setTimeout(() => {
      if (asked === '') return
      viewer.client.genes(asked, MAX_GENES, stop.signal).then(
        (found) => {
          genes.value = geneSuggestions(found.genes)
          trouble.value = null
        },
        (error: unknown) => {
          if (!isAbort(error)) trouble.value = sentenceOf(error)
        },
      )
    }, TYPING_MS)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [query.value])

  const fields = identity.value === null ? [] : fieldSuggestions(identity.value, query.value.trim())
  const choose = ({ by }: Suggestion) => {
    // The sentence about a failure is in its place already.
    viewer.setColor(by).catch(() => undefined)
  }
  return (
    <section>
      <Combobox
        label="Colour by"
        placeholder="gene or field"
        shown={color.value?.by.key ?? ''}
        query={query}
        suggestions={[...fields, ...genes.value]}
        nothing={trouble.value ?? `No field or gene matches “${query.value.trim()}”.`}
        inputRef={search}
        onChoose={choose}
      />
    </section>
  )
}
