import type { Signal } from '@preact/signals'
import type { VNode } from 'preact'
import type { Theme } from '../../scatter/scatter.ts'
import { Choice } from '../controls/choice.tsx'
import { usePage } from '../page-context.ts'

/** How cells are drawn, whatever colours them. */
export function Appearance(): VNode {
  const { viewer, picture } = usePage()
  const { pointSize, opacity, hasLabels, background, camera } = viewer.store
  void camera.value // Closer up, points are drawn larger.
  return (
    <details>
      <summary class="heading">Appearance</summary>
      <Slider
        label="Point size"
        setting={pointSize}
        min={1}
        max={20}
        step={0.5}
        fallback={picture.scatter.diameter}
        unit="px"
      />
      <Slider label="Opacity" setting={opacity} min={0.05} max={1} step={0.05} fallback={1} unit="" />
      <label class="check">
        <input type="checkbox" checked={hasLabels.value} onChange={() => (hasLabels.value = !hasLabels.value)} />
        Names on the picture
      </label>
      <div class="field">
        <span>Background</span>
        <Choice
          label="Background"
          options={BACKGROUNDS}
          at={BACKGROUNDS.findIndex(({ value }) => value === background.value)}
          onChoose={(theme) => (background.value = theme)}
        />
      </div>
    </details>
  )
}

const BACKGROUNDS: readonly { value: Theme | null; text: string }[] = [
  { value: null, text: 'as the notebook' },
  { value: 'light', text: 'light' },
  { value: 'dark', text: 'dark' },
]

type SliderProps = {
  label: string
  setting: Signal<number | null>
  min: number
  max: number
  step: number
  /** Where the slider stands while the setting is automatic. */
  fallback: number
  unit: string
}

function Slider({ label, setting, min, max, step, fallback, unit }: SliderProps): VNode {
  const isAutomatic = setting.value === null
  return (
    <div class="field">
      <label>
        <span>
          {label}: {isAutomatic ? 'automatic' : `${setting.value} ${unit}`}
        </span>
        <input
          type="range"
          min={min}
          max={max}
          step={step}
          value={setting.value ?? fallback}
          onInput={({ currentTarget }) => (setting.value = currentTarget.valueAsNumber)}
        />
      </label>
      <button
        type="button"
        class="plain"
        aria-label={`${label}: automatic`}
        disabled={isAutomatic}
        onClick={() => (setting.value = null)}
      >
        automatic
      </button>
    </div>
  )
}
