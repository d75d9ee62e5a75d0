import type { ComponentProps, VNode } from 'preact'
import type { Tool } from '../state/store.ts'
import { Icon } from './controls/icons.tsx'
import { usePage } from './page-context.ts'

const ZOOM_STEP = 1.5

type ToolbarProps = { isPanelOpen: boolean; onHelp(): void }

/** What pointer and keys do on the canvas, as buttons. */
export function Toolbar({ isPanelOpen, onHelp }: ToolbarProps): VNode {
  const { viewer, picture, history } = usePage()
  const { tool, closerLook } = viewer.store
  const isLooking = closerLook.value.view !== null
  const toggle = (wanted: Tool) => () => {
    tool.value = tool.value === wanted ? 'pan' : wanted
  }
  return (
    <div class="toolbar" role="toolbar" aria-label="Picture">
      <Button name="lasso" label="Lasso (L)" isPressed={tool.value === 'lasso'} onClick={toggle('lasso')} />
      <Button
        name="rectangle"
        label="Rectangle (B)"
        isPressed={tool.value === 'rectangle'}
        onClick={toggle('rectangle')}
      />
      <Button name="undo" label="Undo (Ctrl+Z)" isDisabled={!history.canUndo} onClick={() => history.undo()} />
      <Button name="redo" label="Redo (Ctrl+Shift+Z)" isDisabled={!history.canRedo} onClick={() => history.redo()} />
      <Button name="plus" label="Zoom in (+)" onClick={() => picture.scatter.zoomBy(ZOOM_STEP)} />
      <Button name="minus" label="Zoom out (−)" onClick={() => picture.scatter.zoomBy(1 / ZOOM_STEP)} />
      <Button name="reset" label="Show all cells (R)" onClick={() => viewer.resetCamera()} />
      {document.fullscreenEnabled ? <Button name="full" label="Full screen" onClick={toggleFullScreen} /> : null}
      <Button name="help" label="Keys and gestures (?)" onClick={onHelp} />
      <Button
        name="chart"
        label="A closer look"
        isPressed={isLooking}
        onClick={() => (closerLook.value = { ...closerLook.value, view: isLooking ? null : 'violins' })}
      />
      <Button
        name="panel"
        label="Panel"
        isPressed={isPanelOpen}
        onClick={() => (viewer.store.isPanelOpen.value = !isPanelOpen)}
      />
    </div>
  )
}

type ButtonProps = {
  name: ComponentProps<typeof Icon>['name']
  label: string
  isPressed?: boolean
  isDisabled?: boolean
  onClick(): void
}

function Button({ name, label, isPressed, isDisabled, onClick }: ButtonProps): VNode {
  return (
    <button type="button" class="tool" title={label} aria-pressed={isPressed} disabled={isDisabled} onClick={onClick}>
      <Icon name={name} />
    </button>
  )
}

function toggleFullScreen(): void {
  const change =
    document.fullscreenElement === null ? document.documentElement.requestFullscreen() : document.exitFullscreen()
  // The browser says no where the notebook's page does not allow it; the picture stays as it is.
  change.catch((error: unknown) => reportError(error))
}
