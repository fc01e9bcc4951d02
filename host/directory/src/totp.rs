//! Codes of a device (RFC 6238): SHA-1, six digits, 30 s, one step of a clock that is off.

use totp_rs::{Algorithm, Builder, Totp};

use crate::error::Error;

/// Bytes of a new secret.
const SECRET: usize = 20;

/// Seconds of a step.
const STEP: u64 = 30;

fn totp(secret: &[u8]) -> Result<Totp, Error> {
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(1).with_step_duration(STEP);
    builder
        .with_secret(secret.to_vec())
        .build()
        .map_err(|error| Error::Invalid(format!("expected a secret of 16 bytes or more, got: {error}")))
}

/// A new secret.
pub(crate) fn new_secret() -> Result<Vec<u8>, Error> {
    let mut secret = vec![0; SECRET];
    getrandom::fill(&mut secret).map_err(|error| Error::Random(error.to_string()))?;
    Ok(secret)
}

/// The bytes of a secret in base 32, if a device can have it.
pub(crate) fn read_secret(text: &str) -> Result<Vec<u8>, Error> {
    let invalid = |error: &dyn std::fmt::Display| Error::Invalid(format!("expected a secret in base 32, got: {error}"));
    let secret = totp_rs::Secret::try_from_base32(text).map_err(|error| invalid(&error))?;
    totp(secret.as_bytes())?;
    Ok(secret.as_bytes().to_vec())
}

/// A secret as devices take it, in base 32.
pub(crate) fn shown(secret: &[u8]) -> String {
    totp_rs::Secret::from(secret.to_vec()).to_base32()
}

/// The step of the time at which a code is right, if it is at a time, seconds since 1970, or a step beside.
pub(crate) fn step(secret: &[u8], code: &str, seconds: u64) -> Option<u64> {
    totp(secret).ok()?.check(code, seconds)
}
