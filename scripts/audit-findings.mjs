/** @typedef {{id: string, where: string, title: string}} Finding one advisory about one package */

/**
 * Advisories in what `npm audit --json` says.
 * @returns {Finding[]}
 * @throws {Error} where npm could not ask
 */
export function npmFindings(report) {
  if (report.vulnerabilities === undefined) throw new Error(report.message ?? 'npm audit gave no report')
  const advisories = Object.values(report.vulnerabilities).flatMap(({ via }) =>
    via.filter((one) => typeof one === 'object'),
  )
  const findings = advisories.map(({ url, name, title }) => ({
    id: url.split('/').at(-1),
    where: `npm ${name}`,
    title,
  }))
  return [...new Map(findings.map((finding) => [`${finding.id} ${finding.where}`, finding])).values()]
}

/**
 * Advisories in what `pip-audit --format=json` says.
 * @returns {Finding[]}
 * @throws {Error} where a package could not be asked for: its silence says nothing
 */
export function pipFindings({ dependencies }) {
  const unasked = dependencies.filter(({ skip_reason }) => skip_reason !== undefined)
  if (unasked.length > 0)
    throw new Error(`${unasked.length} packages could not be asked for: ${unasked[0].skip_reason}`)
  return dependencies.flatMap(({ name, version, vulns }) =>
    vulns.map(({ id, aliases, description }) => ({
      id: aliases.find((alias) => alias.startsWith('GHSA-')) ?? id,
      where: `PyPI ${name} ${version}`,
      title: description.split('\n')[0],
    })),
  )
}

/** The advisories that a table of the document gives a reason for, by their id in its first column. */
export function reasonedIn(text) {
  return new Set([...text.matchAll(/^\| ((?:GHSA|PYSEC|CVE)-[\w-]+) \|/gm)].map(([, id]) => id))
}
