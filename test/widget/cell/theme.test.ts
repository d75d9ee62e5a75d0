import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { readTheme, type Theme, watchTheme } from '../../../widget/cell/theme.ts'

const { body, documentElement } = document

afterEach(() => {
  for (const node of [body, documentElement]) {
    for (const { name } of [...node.attributes]) node.removeAttribute(name)
  }
})

describe('the notebook’s look', () => {
  const looks: [string, Element, string, string, Theme][] = [
    ['JupyterLab, dark', body, 'data-jp-theme-light', 'false', 'dark'],
    ['JupyterLab, light', body, 'data-jp-theme-light', 'true', 'light'],
    ['VS Code, dark', body, 'class', 'vscode-dark', 'dark'],
    ['VS Code, high contrast', body, 'data-vscode-theme-kind', 'vscode-high-contrast', 'dark'],
    ['VS Code, high contrast light', body, 'data-vscode-theme-kind', 'vscode-high-contrast-light', 'light'],
    ['Colab, dark', documentElement, 'theme', 'dark', 'dark'],
    ['marimo, dark', documentElement, 'class', 'dark', 'dark'],
    ['a word that only looks so', body, 'class', 'darkroom', 'light'],
    ['nothing said', body, 'class', '', 'light'],
  ]
  test.each(looks)('%s', (_name, node, attribute, value, expected) => {
    node.setAttribute(attribute, value)
    expect(readTheme()).toBe(expected)
  })
})

test('a change is told once, until the view ends', async () => {
  const life = new AbortController()
  onTestFinished(() => life.abort())
  const told: Theme[] = []
  watchTheme((theme) => told.push(theme), life.signal)
  body.dataset.jpThemeLight = 'false'
  await expect.poll(() => told).toEqual(['dark'])
  body.dataset.jpThemeLight = 'false'
  body.className = 'another'
  body.dataset.jpThemeLight = 'true'
  await expect.poll(() => told).toEqual(['dark', 'light'])
  life.abort()
  body.dataset.jpThemeLight = 'false'
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(told).toEqual(['dark', 'light'])
})
