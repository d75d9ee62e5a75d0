import { type Signal, useSignal } from '@preact/signals'
import type { RefObject, VNode } from 'preact'
import { useEffect, useId } from 'preact/hooks'
import type { Suggestion } from '../suggestions.ts'

type ComboboxProps = {
  label: string
  placeholder: string
  /** What stands in the box while nobody types. */
  shown: string
  query: Signal<string>
  suggestions: readonly Suggestion[]
  /** The sentence where nothing matches. */
  nothing: string
  inputRef: RefObject<HTMLInputElement | null>
  onChoose(suggestion: Suggestion): void
}

/**
 * A text box with a list below it, after the ARIA pattern "editable combobox with list autocomplete": focus stays in the
 * box, arrows move through the list, Enter chooses, Escape closes and then empties.
 */
export function Combobox(props: ComboboxProps): VNode {
  const { label, placeholder, shown, query, suggestions, nothing, inputRef, onChoose } = props
  const id = useId()
  const isOpen = useSignal(false)
  const at = useSignal(-1)
  const active = isOpen.value && at.value >= 0 ? Math.min(at.value, suggestions.length - 1) : -1

  useEffect(() => {
    document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: 'nearest' })
  }, [active])

  const close = () => {
    isOpen.value = false
    query.value = ''
    at.value = -1
  }
  const choose = (suggestion: Suggestion | undefined) => {
    if (suggestion === undefined) return
    close()
    if (inputRef.current !== null) inputRef.current.value = suggestion.by === null ? '' : suggestion.label
    onChoose(suggestion)
  }
  const step = (by: number) => {
    const count = suggestions.length
    at.value = isOpen.value && count > 0 ? (Math.max(active, by > 0 ? -1 : 0) + by + count) % count : 0
    isOpen.value = true
  }
  const keys: Record<string, () => void> = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    // With nothing marked, Enter takes the best match: what was typed is asked for.
    Enter: () => choose(suggestions[Math.max(active, 0)]),
    Escape: () => {
      if (isOpen.value) close()
      else inputRef.current?.blur()
    },
  }
  return (
    <div class="combobox" onFocusOut={(event) => leave(event, close)}>
      <label class="heading" for={id}>
        {label}
      </label>
      <input
        id={id}
        ref={inputRef}
        type="text"
        role="combobox"
        aria-expanded={isOpen.value}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder={placeholder}
        value={isOpen.value ? query.value : shown}
        onFocus={({ currentTarget }) => currentTarget.select()}
        onClick={() => (isOpen.value = true)}
        onInput={({ currentTarget }) => {
          query.value = currentTarget.value
          isOpen.value = true
          at.value = -1
        }}
        onKeyDown={(event) => {
          const action = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined
          if (action === undefined || event.isComposing) return
          event.preventDefault()
          action()
        }}
      />
      <div class="suggestions" id={`${id}-list`} role="listbox" aria-label={label} hidden={!isOpen.value}>
        {isOpen.value
          ? groupsOf(suggestions).map((group) => (
              // biome-ignore lint/a11y/useSemanticElements: in a listbox the pattern asks for role group; a fieldset is for forms
              <div key={group.name} role="group" aria-labelledby={`${id}-${group.name}`}>
                <div class="group" id={`${id}-${group.name}`}>
                  {group.name}
                </div>
                {group.entries.map(({ suggestion, i }) => (
                  // biome-ignore lint/a11y/useKeyWithClickEvents: focus stays in the box, whose keys choose
                  <div
                    key={i}
                    id={`${id}-${i}`}
                    role="option"
                    tabIndex={-1}
                    aria-selected={i === active}
                    onPointerDown={(event) => event.preventDefault()}
                    onClick={() => choose(suggestion)}
                  >
                    <span class="name">{suggestion.label}</span>
                    <span class="detail">{suggestion.detail}</span>
                  </div>
                ))}
              </div>
            ))
          : null}
      </div>
      {isOpen.value && suggestions.length === 0 ? (
        <p class="hint" role="status">
          {nothing}
        </p>
      ) : null}
    </div>
  )
}

function leave(event: FocusEvent & { currentTarget: HTMLElement }, close: () => void): void {
  const { relatedTarget } = event
  if (!(relatedTarget instanceof Node) || !event.currentTarget.contains(relatedTarget)) close()
}

type Group = { name: string; entries: { suggestion: Suggestion; i: number }[] }

function groupsOf(suggestions: readonly Suggestion[]): Group[] {
  const groups: Group[] = []
  suggestions.forEach((suggestion, i) => {
    const last = groups.at(-1)
    if (last?.name === suggestion.group) last.entries.push({ suggestion, i })
    else groups.push({ name: suggestion.group, entries: [{ suggestion, i }] })
  })
  return groups
}
