import { describe, expect, test } from 'vitest'
import { NotebookDocument } from '../../../widget/kernel/notebook-document.ts'

type Hear = (sender: unknown, state: string) => void

/** A signal as Lumino's. */
function saveState() {
  const hearers = new Set<Hear>()
  return {
    connect: (hear: Hear) => void hearers.add(hear),
    disconnect: (hear: Hear) => void hearers.delete(hear),
    emit: (state: string) => {
      for (const hear of hearers) hear(null, state)
    },
  }
}

class Disposed {
  get context() {
    throw new Error('disposed')
  }
}

describe('the notebook around the widget', () => {
  test('tells that it is being saved, before it is, until nobody listens any more', () => {
    const signal = saveState()
    const notebook = new NotebookDocument({ context: { saveState: signal } })
    const end = new AbortController()
    let saves = 0
    notebook.whenSaved(() => saves++, end.signal)
    for (const state of ['started', 'completed', 'started', 'failed']) signal.emit(state)
    expect(saves).toBe(2)
    end.abort()
    signal.emit('started')
    expect(saves).toBe(2)
  })

  test('is shared where its model says so', () => {
    class Model {
      get collaborative() {
        return true
      }
    }
    expect(new NotebookDocument({ context: { model: new Model() } }).isShared).toBe(true)
    expect(new NotebookDocument({ context: { model: { collaborative: undefined } } }).isShared).toBe(false)
  })

  test('names its user where it is shared', () => {
    const awareness = { getLocalState: () => ({ user: { name: 'f3e1', display_name: 'Ada Lovelace' } }) }
    const model = { collaborative: true, sharedModel: { awareness } }
    expect(new NotebookDocument({ context: { model } }).user).toBe('Ada Lovelace')
    expect(new NotebookDocument({ context: { model: { ...model, collaborative: false } } }).user).toBeNull()
    expect(new NotebookDocument({ context: { model: { collaborative: true, sharedModel: {} } } }).user).toBeNull()
  })

  test.each([
    [undefined],
    [null],
    [{}],
    [{ context: null }],
    [{ context: { saveState: {}, model: 3 } }],
    [new Disposed()],
  ])('says nothing where the front end does not: %o', (widgetManager) => {
    const notebook = new NotebookDocument(widgetManager)
    expect(notebook.isShared).toBe(false)
    notebook.whenSaved(() => expect.unreachable(), new AbortController().signal)
  })
})
