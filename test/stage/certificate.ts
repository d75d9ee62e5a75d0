import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')

/** A key and a certificate that it signed itself, in PEM, for any name: browsers are told not to ask. */
export function makeCertificate(): { key: string; cert: string } {
  const pem = execFileSync(join(ROOT, '.venv/bin/python'), ['-c', MAKE], { encoding: 'utf8' })
  const start = pem.indexOf('-----BEGIN CERTIFICATE')
  return { key: pem.slice(0, start), cert: pem.slice(start) }
}

const MAKE = `
from datetime import datetime, timedelta, timezone
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization as s
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.test")])
now = datetime.now(timezone.utc)
cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    .not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256()))
print(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode()
    + cert.public_bytes(s.Encoding.PEM).decode())
`
