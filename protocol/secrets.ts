/** What stands behind the names that our secrets, and those of notebook servers, travel under; and long hex or base64url. */
const SECRETS =
  /((?:viewerToken|pageKey|x-cellucid-[a-z]+)["'=:\s]+|\b(?:token|mac|nonce|_xsrf|access_token|api_key)=)[^\s&,}"'#)]+|[\w-]{40,}/gi

/**
 * Take out what may be a secret. Wrong on the safe side: a long name without spaces goes too. Before a text is cut: half a
 * secret does not look like one. Python has the same in `_report/secrets_mask.py`.
 */
export function withoutSecrets(text: string): string {
  return text.replace(SECRETS, (_match, name: string | undefined) => `${name ?? ''}[removed]`)
}
