//! `countersign directory serve`: a directory as a process of its own.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use countersign_directory::{Directory, Lifetimes, MAX_SEED_BYTES, NewPrincipal, Scope, Seed, Server, Serving};
use countersign_model::time::{DurationError, parse_duration};

use crate::exit::{Exit, unusable};
use crate::files;
use crate::interrupt::Interrupt;
use crate::out::Out;
use crate::stderr;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign directory serve --db directory.db --listen 127.0.0.1:8480 --seed accounts.toml \\
      --admin-credential admin.token
      a directory with the accounts of a file; the credential of its first administrator is in admin.token
  curl -H \"Authorization: Bearer $(cat admin.token)\" http://127.0.0.1:8480/v1/accounts
  curl -d '{\"username\": \"alice\", \"password\": \"correct horse\"}' -H 'Content-Type: application/json' \\
      http://127.0.0.1:8480/v1/sign-in

The first line of standard output is its address. It serves this machine alone, without TLS: a proxy before it
passes on by `X-Forwarded-For` who calls. The first time it makes an administrative credential, which is written to
the file that --admin-credential names, or printed once. It is meant for trying out, not for production. See
docs/reference/directory.md for its endpoints.
";

/// How often it is looked whether the process is asked to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The name of the first administrative credential.
const FIRST: &str = "admin";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The directory's file; it is made if there is none
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// Where it is served: an address of this machine; with port 0 a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8480")]
    listen: SocketAddr,
    /// The name of a new directory, which is the tenant of its accounts; `local` if left out
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Groups and accounts to make unless there are any of their names (see docs/guides/directory.md)
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Where the first administrative credential is written, in a file that only you may read
    #[arg(long, value_name = "FILE")]
    admin_credential: Option<PathBuf>,
    /// Let faults be ordered at /v1/faults, for tests
    #[arg(long)]
    faults: bool,
    /// How long an access token is valid
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    access_lifetime: i64,
    /// How long a session and its refresh token are valid
    #[arg(long, value_name = "DURATION", default_value = "12h", value_parser = duration)]
    session_lifetime: i64,
    /// How many requests a second an administrative credential may send, on average
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
}

/// A lifetime: a second to 30 days.
fn duration(text: &str) -> Result<i64, String> {
    let micros = parse_duration(text).map_err(|error: DurationError| error.to_string())?;
    if (1_000_000..=30 * 86_400_000_000).contains(&micros) { Ok(micros) } else { Err("expected 1s to 30d".to_owned()) }
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let interrupt = Interrupt::watch()?;
        let lifetimes = Lifetimes { access: self.access_lifetime, session: self.session_lifetime };
        let seed = self.seed.as_deref().map(|path| {
            let text = files::read_text(path, MAX_SEED_BYTES)?;
            Seed::parse(&text).map_err(|faults| {
                let lines: Vec<String> = faults.iter().map(|fault| format!("{}: {fault}", text::path(path))).collect();
                unusable(lines.join("\n"))
            })
        });
        let seed = seed.transpose()?;
        let directory = super::open(&self.db, self.tenant.as_deref(), lifetimes)?;
        if let Some(seed) = &seed {
            let made = directory.seed(seed).map_err(unusable)?;
            if made > 0 {
                stderr::note(format_args!("made {made} accounts"));
            }
        }
        let first = self.first_credential(&directory)?;
        let serving = Serving { listen: self.listen, faults: self.faults, rate: self.rate };
        let server = Server::start(directory.clone(), serving).map_err(unusable)?;
        writeln!(out, "http://{}", server.listening().0)?;
        if let Some(first) = first {
            writeln!(out, "{}", text::line(&first))?;
        }
        out.flush()?;
        let tenant = text::line(directory.tenant());
        stderr::note(format_args!("the directory `{tenant}` serves at http://{}", server.listening().0));
        while !interrupt.came() {
            if !server.is_running() {
                stderr::error("a thread of the directory ended: it stops");
                return Ok(Exit::Refused);
            }
            std::thread::sleep(LOOK);
        }
        drop(server);
        Ok(Exit::Done)
    }

    /// Makes the first administrative credential, where there is none. What is returned is still to be printed.
    fn first_credential(&self, directory: &Directory) -> Result<Option<String>> {
        if directory.has_principals().map_err(unusable)? {
            return Ok(None);
        }
        // The file first: a credential that nobody can have would be of no use.
        let file = self.admin_credential.as_deref().map(|path| {
            let failed = |error| unusable(format_args!("can't write `{}`: {error}", text::path(path)));
            countersign_private::create_new(path).map_err(failed)
        });
        let file = file.transpose()?;
        let new = NewPrincipal { name: FIRST.to_owned(), scopes: Scope::ALL.to_vec() };
        let made = directory.new_principal(&new).map_err(unusable);
        if let (Err(_), Some(path)) = (&made, &self.admin_credential) {
            // What this command made goes.
            drop(std::fs::remove_file(path));
        }
        let (_, secret) = made?;
        match file {
            Some(mut file) => {
                writeln!(file, "{}", secret.text())?;
                file.sync_all()?;
                Ok(None)
            }
            None => Ok(Some(secret.text().to_owned())),
        }
    }
}
