import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseConfig, userCacheFolder } from '../../../server/process/config.ts'

describe('parseConfig', () => {
  test('without options: any port from 8765 on, our folder in the user’s cache', () => {
    expect(parseConfig([], {})).toMatchObject({ port: 8765, isPortFixed: false, parentPid: null, logLevel: 'info' })
    expect(parseConfig([], {}).cacheFolder).toContain('cellucid-notebook')
  })

  test('--cache names the folder, or says none', () => {
    expect(parseConfig(['--cache', '/somewhere'], {}).cacheFolder).toBe('/somewhere')
    expect(parseConfig(['--cache', 'none'], {}).cacheFolder).toBeNull()
  })

  test.each([
    [['--port', '99999'], '--port'],
    [['--port', 'x'], '--port'],
    [['--log', 'loud'], '--log'],
    [['--nonsense'], '--nonsense'],
  ])('%o is refused by name', (argv, name) => {
    expect(() => parseConfig(argv, {})).toThrow(name)
  })
})

test.each([
  ['linux', {}, join(homedir(), '.cache/cellucid-notebook')],
  ['linux', { XDG_CACHE_HOME: '/scratch/me' }, '/scratch/me/cellucid-notebook'],
  ['linux', { XDG_CACHE_HOME: 'relative' }, join(homedir(), '.cache/cellucid-notebook')],
  ['darwin', { XDG_CACHE_HOME: '/scratch/me' }, join(homedir(), 'Library/Caches/cellucid-notebook')],
  ['win32', { LOCALAPPDATA: '/local' }, '/local/cellucid-notebook/Cache'],
] as const)('on %s with %o caches stand in %s', (platform, environment, expected) => {
  expect(userCacheFolder(environment, platform)).toBe(expected)
})
