import type { Signal } from '@preact/signals'
import { useSignal } from '@preact/signals'
import type { RefObject, VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Suggestion } from '../../columns/suggestions.ts'
import { useWindowOfRows } from './window-of-rows.ts'

type ComboboxProps = {
  /** Of the box; those of its list and options begin with it. */
  id: string
  label: string
  placeholder: string
  /** What stands in the box while nobody types. */
  shown: string
  /** What is typed. */
  typed: Signal<string>
  suggestions: readonly Suggestion[]
  /** false: more suggestions for what is typed are on their way. */
  isComplete: boolean
  /** The sentence where nothing matches. */
  nothing: string
  inputRef: RefObject<HTMLInputElement | null>
  onChoose(suggestion: Suggestion): void
}

/**
 * A text box with a list below it, after the ARIA pattern "editable combobox with list autocomplete": focus stays in the
 * box, arrows move through the list, Enter chooses, Escape closes and then leaves.
 */
export function Combobox(props: ComboboxProps): VNode {
  const { id, label, placeholder, shown, typed, suggestions, nothing, inputRef } = props
  const list = useComboboxList(props)
  const { active } = list
  const isOpen = list.isOpen && suggestions.length > 0
  return (
    <div class="combobox" onFocusOut={(event) => leave(event, list.close)}>
      <label class="heading" for={id}>
        {label}
      </label>
      <input
        id={id}
        ref={inputRef}
        type="text"
        role="combobox"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder={placeholder}
        value={list.isOpen ? typed.value : shown}
        onFocus={({ currentTarget }) => currentTarget.select()}
        onClick={list.open}
        onInput={({ currentTarget }) => list.type(currentTarget.value)}
        onKeyDown={list.key}
      />
      {isOpen ? (
        <List id={id} label={label} suggestions={suggestions} active={active} onChoose={list.choose} />
      ) : (
        <div class="suggestions" id={`${id}-list`} role="listbox" aria-label={label} hidden />
      )}
      {list.isOpen && !isOpen && props.isComplete ? (
        <p class="hint" role="status">
          {nothing}
        </p>
      ) : null}
    </div>
  )
}

type ListProps = {
  id: string
  label: string
  suggestions: readonly Suggestion[]
  active: number
  onChoose(suggestion: Suggestion): void
}

/** As in page.css. */
const OPTION_PX = 27

/** Only the options in sight are there: a table may have thousands of fields. */
function List({ id, label, suggestions, active, onChoose }: ListProps): VNode {
  const { first, end, onScroll } = useWindowOfRows(suggestions.length, OPTION_PX, active)
  useEffect(() => {
    document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: 'nearest' })
  }, [active])
  return (
    <div class="suggestions" id={`${id}-list`} role="listbox" aria-label={label} onScroll={onScroll}>
      <Groups {...{ id, suggestions, active, onChoose, first, end }} />
    </div>
  )
}

type GroupsProps = Omit<ListProps, 'label'> & { first: number; end: number }

function Groups({ id, suggestions, active, onChoose, first, end }: GroupsProps): VNode[] {
  return groupsOf(suggestions).map(({ name, entries }) => (
    // biome-ignore lint/a11y/useSemanticElements: in a listbox the pattern asks for role group; a fieldset is for forms
    <div key={name} role="group" aria-label={name}>
      <div class="group" aria-hidden="true">
        {name}
      </div>
      <Gap rows={entries.filter(({ i }) => i < first).length} />
      {entries.slice(...inWindow(entries, first, end)).map(({ suggestion, i }) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: focus stays in the box, whose keys choose
        <div
          key={i}
          id={`${id}-${i}`}
          role="option"
          tabIndex={-1}
          aria-selected={i === active}
          aria-setsize={suggestions.length}
          aria-posinset={i + 1}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onChoose(suggestion)}
        >
          <span class="name">{suggestion.label}</span>
          <span class="detail">{suggestion.detail}</span>
        </div>
      ))}
      <Gap rows={entries.filter(({ i }) => i >= end).length} />
    </div>
  ))
}

/** The room of options that are not there. */
function Gap({ rows }: { rows: number }): VNode {
  return <div aria-hidden="true" style={{ height: `${rows * OPTION_PX}px` }} />
}

/** Entries whose places are from `first` up to `end`; places follow each other. */
function inWindow(entries: Group['entries'], first: number, end: number): [start: number, end: number] {
  const start = entries[0]?.i ?? 0
  return [Math.max(0, first - start), Math.max(0, end - start)]
}

/** What keys and typing do to the list. */
function useComboboxList({ typed, suggestions, isComplete, inputRef, onChoose }: ComboboxProps) {
  const isOpen = useSignal(false)
  const at = useSignal(-1)
  /** Enter came before the list did. */
  const isEntered = useSignal(false)
  const active = isOpen.value ? Math.min(at.value, suggestions.length - 1) : -1
  const listedFor = typed.value

  const close = () => {
    isOpen.value = false
    isEntered.value = false
    typed.value = ''
    at.value = -1
  }
  const choose = (suggestion: Suggestion) => {
    close()
    onChoose(suggestion)
  }
  const step = (by: 1 | -1) => {
    const count = suggestions.length
    const start = active < 0 && by < 0 ? 0 : active
    at.value = isOpen.value && count > 0 ? (start + by + count) % count : 0
    isOpen.value = true
  }
  // With nothing marked Enter takes the best match, and waits for it where it is still on its way.
  const enter = () => {
    const best = suggestions[Math.max(active, 0)]
    if (!isOpen.value) isOpen.value = true
    else if ((!isComplete || typed.value !== listedFor) && active < 0) isEntered.value = true
    else if (best !== undefined) choose(best)
  }
  useEffect(() => {
    const best = suggestions[0]
    if (!isEntered.value || !isComplete) return
    isEntered.value = false
    if (best !== undefined) choose(best)
  }, [isEntered.value, isComplete])

  const keys: Record<string, () => void> = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: enter,
    Escape: () => {
      if (isOpen.value) close()
      else inputRef.current?.blur()
    },
  }
  return {
    isOpen: isOpen.value,
    active,
    close,
    choose,
    open: () => {
      isOpen.value = true
    },
    type: (text: string) => {
      typed.value = text
      isOpen.value = true
      isEntered.value = false
      at.value = -1
    },
    key: (event: KeyboardEvent) => {
      // What stands there is what is shown, not what was typed: typing begins anew.
      if (!isOpen.value && event.key.length === 1 && !event.ctrlKey && !event.metaKey) inputRef.current?.select()
      const action = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined
      if (action === undefined || event.isComposing) return
      event.preventDefault()
      action()
    },
  }
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
