import type { VNode } from 'preact'

type ChoiceProps<Value> = {
  label: string
  options: readonly { value: Value; text: string }[]
  /** Index of the option that holds now. */
  at: number
  onChoose(value: Value): void
}

/** One of a few, by the browser's own list. */
export function Choice<Value>({ label, options, at, onChoose }: ChoiceProps<Value>): VNode {
  return (
    <select
      aria-label={label}
      onChange={({ currentTarget }) => {
        const option = options[currentTarget.selectedIndex]
        if (option !== undefined) onChoose(option.value)
      }}
    >
      {options.map(({ text }, i) => (
        <option key={text} selected={i === at}>
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
