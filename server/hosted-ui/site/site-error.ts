/**
 * Why a file did not come. `absent`: the site has no such file. `refused`: it sent what is not taken. `unreachable`: it
 * did not answer, or not to the end; those may come when asked again.
 */
export type SiteFault = 'absent' | 'refused' | 'unreachable'

export class SiteError extends Error {
  readonly fault: SiteFault
  /** Worth another try at once. */
  readonly isPassing: boolean
  constructor(fault: SiteFault, message: string, { isPassing = false, ...options }: SiteErrorOptions = {}) {
    super(message, options)
    this.name = 'SiteError'
    this.fault = fault
    this.isPassing = isPassing
  }
}
type SiteErrorOptions = { isPassing?: boolean; cause?: unknown }
