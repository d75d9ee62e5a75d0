import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import { axisOf } from '../../columns/axis.ts'
import { percentiles, type ValueColumn } from '../../columns/column-values.ts'
import { SCALE_NAMES, scaleGradient } from '../../scatter/color/coloring.ts'
import { digitsOf, formatRange, formatValue } from '../../scatter/number-format.ts'
import { rangeOf, scaleOf, wholeRange } from '../../state/shown-coloring.ts'
import type { ShownColor } from '../../state/store.ts'
import { Choice, plainOptions } from '../controls/choice.tsx'
import { Histogram } from '../controls/histogram.tsx'
import { usePage } from '../page-context.ts'
import { RangeFilterRow } from './range-filter-row.tsx'

type ScaleLegendProps = { color: ShownColor; column: ValueColumn }

/** Shares of the cells that may lie beyond each end of the scale. */
const CLIPS = [0, 0.01, 0.02, 0.05]
/** Ends that a clip has set → its share. */
const clipOf = new WeakMap<readonly number[], number>()

/** The scale from low to high: where its ends are, how the values spread, and which of them are shown. */
export function ScaleLegend({ color, column }: ScaleLegendProps): VNode {
  const { store } = usePage().viewer
  const { scale, isLog } = scaleOf(store, color)
  const [low, high] = rangeOf(store, color)
  const axis = useMemo(() => axisOf(wholeRange(column), isLog), [column, isLog])
  const [lowText, highText] = formatRange([low, high])
  const colors = scaleGradient(scale)
  const [from, to] = [axis.place(low), axis.place(high)]
  const stops = colors.map((css, i) => `${css} ${(100 * (from + ((to - from) * i) / (colors.length - 1))).toFixed(1)}%`)
  return (
    <>
      <Histogram by={color.by} column={column} axis={axis} />
      <div
        class="scale"
        role="img"
        aria-label={`From ${lowText} to ${highText}, ${scale}${isLog ? ', logarithmic' : ''}`}
        style={{ background: `linear-gradient(to right, ${stops.join(',')})` }}
      />
      <ScaleEnds color={color} column={column} />
      <div class="row">
        <span>{lowText}</span>
        <span>{highText}</span>
      </div>
      <ScaleChoice color={color} column={column} />
      <RangeFilterRow by={color.by} column={column} />
    </>
  )
}

/** Steps of a slider from one end to the other. */
const STEPS = 400

/** Two sliders: beyond them the scale's end colours go on. */
function ScaleEnds({ color, column }: ScaleLegendProps): VNode {
  const { viewer } = usePage()
  const axis = axisOf(wholeRange(column), scaleOf(viewer.store, color).isLog)
  const [low, high] = rangeOf(viewer.store, color)
  const slide = (end: 'low' | 'high') => (event: Event & { currentTarget: HTMLInputElement }) => {
    const value = axis.value(Number(event.currentTarget.value) / STEPS)
    const range = end === 'low' ? ([Math.min(value, high), high] as const) : ([low, Math.max(value, low)] as const)
    // Equal ends would make a scale of no width.
    if (range[0] < range[1]) viewer.setScale(color.by, { range })
  }
  const slider = (end: 'low' | 'high', value: number) => (
    <input
      type="range"
      aria-label={`Scale’s ${end} end`}
      aria-valuetext={formatValue(value, digitsOf([low, high]))}
      min={0}
      max={STEPS}
      value={Math.round(axis.place(value) * STEPS)}
      onInput={slide(end)}
    />
  )
  return (
    <div class="two-ends">
      {slider('low', low)}
      {slider('high', high)}
    </div>
  )
}

function ScaleChoice({ color, column }: ScaleLegendProps): VNode {
  const { viewer } = usePage()
  const { scale, isLog, range } = scaleOf(viewer.store, color)
  const clip = (share: number) => {
    if (Number.isNaN(share)) return
    const [low = 0, high = 0] = share === 0 ? [] : percentiles(column, [share, 1 - share])
    const ends = [low, high] as const
    clipOf.set(ends, share)
    viewer.setScale(color.by, { range: low < high ? ends : null })
  }
  const clipped = range === null ? 0 : (clipOf.get(range) ?? Number.NaN)
  const clips = CLIPS.map((share) => ({ value: share, text: share === 0 ? 'no clip' : `clip ${100 * share} %` }))
  // The sliders were moved: nothing else in the list says where the ends are now.
  if (Number.isNaN(clipped)) clips.unshift({ value: clipped, text: 'own ends' })
  return (
    <div class="row">
      <Choice
        label="Colour scale"
        options={plainOptions(SCALE_NAMES)}
        at={SCALE_NAMES.indexOf(scale)}
        onChoose={(name) => viewer.setScale(color.by, { scale: name })}
      />
      <Choice label="Clip the scale" options={clips} at={Math.max(0, CLIPS.indexOf(clipped))} onChoose={clip} />
      <label class="check">
        <input type="checkbox" checked={isLog} onChange={() => viewer.setScale(color.by, { isLog: !isLog })} />
        log
      </label>
    </div>
  )
}
