//! Following a host: requests that wait for more, through restarts of the host.

use std::time::Duration;

use anyhow::Result;
use countersign_api::{Client, ClientError};
use countersign_configuration::Configuration;
use serde::de::DeserializeOwned;

use crate::stderr;

/// How long is waited for a host that doesn't answer.
const RETRY: Duration = Duration::from_secs(1);

/// Asks a host again and again. It ends with the process: by a signal, or once nobody reads its output.
pub(crate) struct Follower {
    client: Client,
    /// Whether the last request had no answer, which was said.
    waits: bool,
}

impl Follower {
    /// Follows the host of a configuration.
    pub(crate) fn new(configuration: &Configuration) -> Follower {
        Follower { client: Client::new(&configuration.api.socket.value), waits: false }
    }

    /// Gets what is at a path, once a host answers.
    ///
    /// # Errors
    /// When it refuses for a reason of the request's own.
    pub(crate) fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T> {
        loop {
            match self.client.get(path) {
                Ok(answer) => {
                    if std::mem::take(&mut self.waits) {
                        stderr::note("the host answers again");
                    }
                    return Ok(answer);
                }
                Err(error @ ClientError::Refused { status: 400..500, .. }) => return Err(error.into()),
                Err(error) => {
                    if !std::mem::replace(&mut self.waits, true) {
                        stderr::note(format_args!("waiting for a host that answers: {error}"));
                    }
                    std::thread::sleep(RETRY);
                }
            }
        }
    }
}
