//! Which variables the cargo of a guest gets: a closed list. What else is in the environment may be a credential, and is
//! nothing that a build script needs.

use std::ffi::{OsStr, OsString};

/// The names that are passed on, whatever their value is.
const NAMES: &[&str] = &[
    // Where programs and their files are.
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "TEMP",
    "TMP",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTUP_AUTO_INSTALL",
    "RUSTC",
    "LD_LIBRARY_PATH",
    "LIBRARY_PATH",
    "SDKROOT",
    "DEVELOPER_DIR",
    // How things are shown.
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TERM",
    "NO_COLOR",
    "TZ",
    // How crates are downloaded.
    "CARGO_NET_OFFLINE",
    "CARGO_NET_RETRY",
    "CARGO_HTTP_CAINFO",
    "CARGO_HTTP_TIMEOUT",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
    "NO_PROXY",
    "no_proxy",
];

/// The names of variables with addresses, which are passed on unless a user or a password is in them.
const ADDRESSES: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "CARGO_HTTP_PROXY",
    "RUSTUP_DIST_SERVER",
    "RUSTUP_UPDATE_ROOT",
];

/// The variables that are passed on.
pub(crate) fn passed_on(all: impl Iterator<Item = (OsString, OsString)>) -> impl Iterator<Item = (OsString, OsString)> {
    all.filter(|(name, value)| is_passed_on(name, value))
}

fn is_passed_on(name: &OsStr, value: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    // An index of crates, such as `CARGO_REGISTRIES_MINE_INDEX`; never its token.
    let index = name.starts_with("CARGO_REGISTRIES_") && name.ends_with("_INDEX");
    let is_address = index || ADDRESSES.contains(&name);
    NAMES.contains(&name) || is_address && !value.as_encoded_bytes().contains(&b'@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_passed_on() {
        let passed = |name: &str, value: &str| is_passed_on(OsStr::new(name), OsStr::new(value));
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_PROFILE",
            "AZURE_CLIENT_SECRET",
            "CARGO_REGISTRIES_MINE_TOKEN",
            "CARGO_REGISTRY_TOKEN",
            "CARGO_REGISTRIES_MINE_CREDENTIAL_PROVIDER",
            "CI_JOB_TOKEN",
            "DATABASE_URL",
            "GITHUB_TOKEN",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "KUBECONFIG",
            "OKTA_API_KEY",
            "SSH_AUTH_SOCK",
            "RUSTFLAGS",
            "CARGO_TARGET_DIR",
        ] {
            assert!(!passed(name, "x"), "{name}");
        }
        for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "TMPDIR", "LANG", "HTTPS_PROXY"] {
            assert!(passed(name, "x"), "{name}");
        }
        assert!(passed("CARGO_REGISTRIES_MINE_INDEX", "sparse+https://crates.example/"));
        for name in ["HTTPS_PROXY", "CARGO_REGISTRIES_MINE_INDEX"] {
            assert!(!passed(name, "https://user:password@proxy.example"), "{name}");
        }
    }
}
