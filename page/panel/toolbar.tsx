import type { Signal } from '@preact/signals'
import type { ComponentProps, VNode } from 'preact'
import { Icon } from './icons.tsx'
import { usePage } from './page-context.ts'

const ZOOM_STEP = 1.5

/** What pointer and keys do on the canvas, as buttons. */
export function Toolbar({ isPanelOpen, onHelp }: { isPanelOpen: Signal<boolean>; onHelp(): void }): VNode {
  const { viewer, picture } = usePage()
  const { tool } = viewer.store
  const isLasso = tool.value === 'lasso'
  return (
    <div class="toolbar" role="toolbar" aria-label="Picture">
      <Button
        name="lasso"
        label="Lasso (L)"
        isPressed={isLasso}
        onClick={() => (tool.value = isLasso ? 'pan' : 'lasso')}
      />
      <Button name="plus" label="Zoom in (+)" onClick={() => picture.scatter.zoomBy(ZOOM_STEP)} />
      <Button name="minus" label="Zoom out (−)" onClick={() => picture.scatter.zoomBy(1 / ZOOM_STEP)} />
      <Button name="reset" label="Show all cells (R)" onClick={() => viewer.resetCamera()} />
      <Button name="help" label="Keys and gestures (?)" onClick={onHelp} />
      <Button
        name="panel"
        label={isPanelOpen.value ? 'Hide the panel' : 'Show the panel'}
        isPressed={isPanelOpen.value}
        onClick={() => (isPanelOpen.value = !isPanelOpen.value)}
      />
    </div>
  )
}

type ButtonProps = {
  name: ComponentProps<typeof Icon>['name']
  label: string
  isPressed?: boolean
  onClick(): void
}

function Button({ name, label, isPressed, onClick }: ButtonProps): VNode {
  return (
    <button type="button" class="tool" aria-label={label} title={label} aria-pressed={isPressed} onClick={onClick}>
      <Icon name={name} />
    </button>
  )
}
