//! Signatures as `ssh-keygen -Y sign` makes them (OpenSSH, PROTOCOL.sshsig), by keys of files and of security keys
//! (PROTOCOL.u2f).

use countersign_model::Digest;
use countersign_signing::PublicKey;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, SshSig};

/// What a security key adds to its signature: a byte of flags, and how often it has signed (4 bytes).
const FLAGS_AND_COUNTER: usize = 5;

/// The flag that says that somebody touched it.
const USER_PRESENT: u8 = 1;

/// Why a signature doesn't count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It isn't the key's, or of another message.
    Forged,
    /// Nobody touched the security key.
    NotTouched,
}

/// Checks the signature of a message under the key that is named in it.
///
/// Ed25519 is verified strictly, as all of the host's signatures are: what another implementation might take for another
/// signature of the same message isn't taken.
pub(crate) fn check(signature: &SshSig, message: &[u8]) -> Result<(), Fault> {
    let hash = signature.hash_alg();
    let signed = SshSig::signed_data(signature.namespace(), hash, message).map_err(|_| Fault::Forged)?;
    let bytes = signature.signature_bytes();
    match signature.public_key() {
        KeyData::Ed25519(key) => ed25519(key.0, &signed, bytes),
        KeyData::SkEd25519(key) => {
            let (bytes, trailer) = split(bytes)?;
            ed25519(key.public_key().0, &by_security_key(key.application(), trailer, &signed), bytes)?;
            touched(trailer)
        }
        KeyData::SkEcdsaSha2NistP256(key) => {
            let (bytes, trailer) = split(bytes)?;
            p256(key.ec_point().as_bytes(), &by_security_key(key.application(), trailer, &signed), bytes)?;
            touched(trailer)
        }
        // Nobody can register one.
        _ => Err(Fault::Forged),
    }
}

fn ed25519(key: [u8; 32], signed: &[u8], signature: &[u8]) -> Result<(), Fault> {
    let key = PublicKey::from_bytes(key).map_err(|_| Fault::Forged)?;
    let signature = signature.try_into().map_err(|_| Fault::Forged)?;
    if key.verifies(signed, signature) { Ok(()) } else { Err(Fault::Forged) }
}

/// ECDSA on NIST P-256 with SHA-256; the signature is two numbers, each with its length before it (RFC 5656, section 3.1.2).
fn p256(point: &[u8], signed: &[u8], signature: &[u8]) -> Result<(), Fault> {
    let key = VerifyingKey::from_sec1_bytes(point).map_err(|_| Fault::Forged)?;
    let (r, rest) = number(signature).ok_or(Fault::Forged)?;
    let (s, rest) = number(rest).ok_or(Fault::Forged)?;
    if !rest.is_empty() {
        return Err(Fault::Forged);
    }
    let signature = Signature::from_scalars(r, s).map_err(|_| Fault::Forged)?;
    key.verify(signed, &signature).map_err(|_| Fault::Forged)
}

/// A positive number of at most 32 bytes (RFC 4251, section 5, `mpint`), and what follows it.
fn number(bytes: &[u8]) -> Option<([u8; 32], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (number, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    // A number whose first bit would make it negative has a zero before it.
    let digits = match number {
        [0, first, ..] if first & 0x80 != 0 => number.get(1..)?,
        [first, ..] if *first != 0 && first & 0x80 == 0 => number,
        _ => return None,
    };
    let mut padded = [0; 32];
    let start = padded.len().checked_sub(digits.len())?;
    padded.get_mut(start..)?.copy_from_slice(digits);
    Some((padded, rest))
}

/// What a security key signs of a message.
fn by_security_key(application: &str, trailer: &[u8], signed: &[u8]) -> Vec<u8> {
    [&Digest::of(application.as_bytes()).0[..], trailer, &Digest::of(signed).0].concat()
}

fn split(signature: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let end = signature.len().checked_sub(FLAGS_AND_COUNTER).ok_or(Fault::Forged)?;
    signature.split_at_checked(end).ok_or(Fault::Forged)
}

fn touched(trailer: &[u8]) -> Result<(), Fault> {
    let flags = trailer.first().copied().unwrap_or_default();
    if flags & USER_PRESENT != 0 { Ok(()) } else { Err(Fault::NotTouched) }
}

/// The fingerprint of the key that is named in a signature.
pub(crate) fn fingerprint(signature: &SshSig) -> String {
    signature.public_key().fingerprint(HashAlg::Sha256).to_string()
}

#[cfg(test)]
#[path = "../tests/unit/sshsig.rs"]
mod tests;
