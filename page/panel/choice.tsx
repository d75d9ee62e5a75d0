import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'

type ChoiceProps<Value> = {
  label: string
  options: readonly { value: Value; text: string }[]
  /** Index of the option that holds now. */
  at: number
  /** What it returns is waited for: until then the list shows what was chosen, and then what holds. */
  onChoose(value: Value): unknown
}

/** One of a few, by the browser's own list. */
export function Choice<Value>({ label, options, at, onChoose }: ChoiceProps<Value>): VNode {
  const chosen = useSignal<number | null>(null)
  return (
    <select
      aria-label={label}
      onChange={async ({ currentTarget: { selectedIndex } }) => {
        const option = options[selectedIndex]
        chosen.value = selectedIndex
        if (option !== undefined) await onChoose(option.value)
        if (chosen.value === selectedIndex) chosen.value = null
      }}
    >
      {options.map(({ text }, i) => (
        <option key={text} selected={i === (chosen.value ?? at)}>
          {text}
        </option>
      ))}
    </select>
  )
}

/** Options whose text is their value. */
export function plainOptions<Value extends string>(values: readonly Value[]): { value: Value; text: string }[] {
  return values.map((value) => ({ value, text: value }))
}
