import type { VNode } from 'preact'
import { isSameMatrix } from '../../../protocol/matrix.ts'
import { matrixLabel } from '../../columns/colorable.ts'
import { Choice } from '../controls/choice.tsx'
import { usePage } from '../page-context.ts'

/** Which matrix the search box, the dot plot and lists of genes read. Absent where there is nothing to choose. */
export function MatrixChoice(): VNode | null {
  const { viewer } = usePage()
  const { identity, matrix } = viewer.store
  const matrices = (identity.value?.matrices ?? []).map((entry) => entry.matrix)
  // What scanpy would read is X, also where there is none: then it stands there until another one is chosen.
  const isThere = matrices.some((other) => isSameMatrix(other, matrix.value))
  const offered = isThere ? matrices : [matrix.value, ...matrices]
  if (identity.value === null || offered.length < 2) return null
  return (
    <section class="choice">
      <span class="heading">Genes from</span>
      <Choice
        label="Genes from"
        options={offered.map((value) => ({ value, text: matrixLabel(value) }))}
        at={offered.findIndex((other) => isSameMatrix(other, matrix.value))}
        // The sentence about a failure is in its place already.
        onChoose={(choice) => viewer.setMatrix(choice).catch(() => undefined)}
      />
    </section>
  )
}
