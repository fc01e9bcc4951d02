//! `countersign.toml`: what `countersign run` serves by. Text, overrides and environment in, a [`Configuration`] or every
//! fault out; each value knows where it comes from. [`keys`] is the one list of what there is: the order in which
//! settings are shown, and the text that [`init`] writes, come from it.
//!
//! Secrets are named, never written here: a file, or a variable of the environment. Nothing prints them.
//!
//! ```
//! use countersign_configuration::{Configuration, Overrides, Written};
//!
//! let written = Written {
//!     name: "conf/countersign.toml",
//!     folder: "conf".as_ref(),
//!     text: "version = 1\nstate = \"state\"\n[recorder]\nkeep = \"7d\"\n",
//! };
//! let configuration = Configuration::read(Some(written), &Overrides::default(), &|_| None).unwrap();
//! assert_eq!(configuration.state.value.to_str(), Some("conf/state"));
//! assert_eq!(configuration.recorder.keep.origin.to_string(), "conf/countersign.toml:4");
//! assert_eq!(configuration.recorder.max_bytes.origin.to_string(), "default");
//! ```

mod changed;
mod configuration;
pub mod init;
mod key;
mod origin;
mod overrides;
mod read;
mod secret;
mod shown;

pub use changed::Changed;
pub use configuration::{
    Api, Audit, Change, Configuration, Files, Judge, Log, LogFormat, LogLevel, MAX_BATCH, MAX_BYTES, MAX_WORKERS,
    Recorder, Reload, Sources,
};
pub use key::{Key, TABLES, keys};
pub use origin::{Origin, Setting};
pub use overrides::{Environment, Overrides};
pub use read::Written;
pub use secret::{Secret, SecretError};
pub use shown::Shown;
