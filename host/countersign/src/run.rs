//! `countersign run`: serves, as one process, until it is asked to stop. `started` says at the beginning what it serves.

mod started;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use clap::Args;
use countersign_api::{Certificate, Compare, Door, Limits, NeedsRestart, Network, Server, Service, Socket, Tokens};
use countersign_configuration::Configuration;
use countersign_daemon::{Files, Host, HostOptions, Reload, Role, UnwellBounds};
use countersign_model::Timestamp;
use countersign_session::SessionOptions;

use crate::configuration::ConfigurationArguments;
use crate::exit::{Exit, unusable};
use crate::interrupt::Interrupt;
use crate::loading::Loading;
use crate::logging::{self, Told};
use crate::out::Out;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign run --state /var/lib/countersign
      with the shipped rules, on the socket api.sock in that folder
  countersign init conf && countersign run --config conf/countersign.toml
      with a configuration of your own
  countersign status --state /var/lib/countersign
      how it is, from another terminal
  curl --unix-socket /var/lib/countersign/api.sock --data-binary @logs.ndjson \\
       http://countersign/v1/sources/trail/events
      send records of the source `trail`: the answer comes once they are on the disk

What comes in is on the disk before its sender is answered, and is judged in one order; after a crash the
host goes on where its store stands. What is applied first serves until something else is applied
(`countersign apply`), whatever the files on disk hold meanwhile; but for changes that `[reload]` lets be
applied by themselves, as long as they let nothing more happen and drop no protection. SIGHUP has the files
looked at now, and the certificate read again.

SIGTERM and SIGINT stop the host: what was taken is committed. A second one ends it at once, which loses
nothing either.
";

/// The most memory of a call, bytes, whatever the policies allow that are applied later: the sandbox is made once.
pub(crate) const ENGINE_MEMORY: u64 = 1 << 30;

/// How often a host looks whether it is asked to stop.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    #[command(flatten)]
    loading: Loading,
}

impl Arguments {
    pub(crate) fn run(self, _out: &mut Out) -> Result<Exit> {
        if !self.configuration.names_a_state() {
            return Err(unusable(
                "expected `--config FILE` or `--state DIR`, got neither: `countersign init DIR` writes a configuration",
            ));
        }
        let configuration = self.configuration.read()?;
        logging::start_host(&configuration.log);
        let told = Told::by(&configuration.log);
        let interrupt = Interrupt::watch_reload()?;
        let state = configuration.state.value.clone();
        countersign_private::make_folder(&state)
            .with_context(|| format!("can't make the folder `{}`", text::path(&state)))?;
        let mut session = SessionOptions {
            batch: usize::try_from(configuration.judge.batch.value)?,
            max_gap: configuration.judge.max_gap.value,
            key: configuration.judge.read_audit_key().map_err(unusable)?,
            ..SessionOptions::default()
        };
        if let Some(workers) = configuration.judge.workers.value {
            session.workers = usize::try_from(workers)?;
        }
        if session.key.is_public() {
            told.note("the digests in the audit log aren't private: name a key of your own as `judge.audit-key`");
        }
        let files = files(&configuration.files);
        let engine = self.loading.engine(session.workers, ENGINE_MEMORY)?;
        let options = HostOptions {
            folder: folder(self.configuration.file()),
            state,
            engine,
            session,
            max_bytes: configuration.recorder.max_bytes.value,
            keep: configuration.recorder.keep.value,
            keep_audit: configuration.audit.keep.value,
            reload: Reload::from(&configuration.reload),
            unwell: UnwellBounds {
                lag: Duration::from_micros(configuration.sources.lag.value.unsigned_abs()),
                fall: configuration.sources.fall.value,
                fall_from: configuration.sources.fall_from.value.into(),
            },
            clock: now,
        };
        // Before the state is opened: a second host by mistake takes nothing over.
        let socket = Socket::claim(&configuration.api.socket.value).map_err(unusable)?;
        let tokens = Arc::new(Tokens::open(&configuration.state.value, now).map_err(unusable)?);
        let certificate = certificate(&configuration)?.map(Arc::new);
        let host = Host::start(options, || files.read()).map_err(unusable)?;
        host.watch(files.clone(), configuration.reload.watch.value).map_err(unusable)?;
        // Once the state is this process's.
        let network = match (configuration.api.listen.value, &certificate) {
            (Some(address), Some(certificate)) => {
                Some(Network::bind(address, Arc::clone(certificate)).map_err(unusable)?)
            }
            _ => None,
        };
        let restart: Compare = {
            let (arguments, running) = (self.configuration.clone(), configuration.clone());
            Arc::new(move || needs_restart(&arguments, &running))
        };
        let service = Service {
            host: host.clone(),
            files: Arc::new(move || files.read()),
            restart: Arc::clone(&restart),
            tokens,
            uid: socket.uid(),
            listening: network.as_ref().map(Network::listening),
            requests: Arc::default(),
        };
        let address = network.as_ref().map(Network::address);
        let doors = std::iter::once(Door::Socket(socket)).chain(network.map(Door::Network));
        let servers: Vec<Server> = doors
            .map(|door| Server::start(service.clone(), door, Limits::default()))
            .collect::<Result<_, _>>()
            .map_err(unusable)?;
        started::report(&host, &configuration, &self.configuration, address, &told);
        let exit = loop {
            if interrupt.came() {
                break Exit::Done;
            }
            if interrupt.asks_for_reload() {
                host.look();
                restart().lines().iter().for_each(|line| told.warning(line));
                if let Some(certificate) = &certificate {
                    certificate.reread();
                }
            }
            if host.status().judged.superseded {
                told.error("another process has taken over the state folder: this one stops");
                break Exit::Refused;
            }
            if !host.is_running() {
                told.error("a thread of the host ended: it stops, and goes on from its last commit when it is started");
                break Exit::Refused;
            }
            std::thread::sleep(LOOK);
        };
        told.note("stopping: what was taken is committed");
        Server::stop(servers);
        host.stop();
        Ok(exit)
    }
}

/// What of the configuration on disk isn't what the host runs by.
fn needs_restart(arguments: &ConfigurationArguments, running: &Configuration) -> NeedsRestart {
    match arguments.read_all() {
        Ok((now, faults)) if faults.is_empty() => NeedsRestart::of(running.changed(&now)),
        Ok((_, faults)) => NeedsRestart::faulty(faults),
        Err(error) => NeedsRestart::faulty(vec![error.to_string()]),
    }
}

/// The certificate by which the network is served, if it is.
fn certificate(configuration: &Configuration) -> Result<Option<Certificate>> {
    let api = &configuration.api;
    match (api.listen.value, &api.certificate.value, &api.key.value) {
        (Some(_), Some(chain), Some(key)) => Ok(Some(Certificate::read(chain, key).map_err(unusable)?)),
        _ => Ok(None),
    }
}

/// The files of a generation, with what each is.
fn files(files: &countersign_configuration::Files) -> Files {
    let rules = files.rules.value.iter().map(|path| (Role::Rule, path.clone()));
    let single = [
        (Role::Trust, &files.trust),
        (Role::Policy, &files.policy),
        (Role::Identities, &files.identities),
        (Role::Sources, &files.sources),
        (Role::Capabilities, &files.capabilities),
    ];
    let single = single.into_iter().filter_map(|(role, path)| Some((role, path.value.clone()?)));
    let tables = files.context.iter().flat_map(|(table, paths)| {
        paths.value.iter().map(|path| (Role::Context(table), path.clone())).collect::<Vec<_>>()
    });
    let paths = rules.chain(single).chain(tables).collect();
    Files { shipped_rules: files.shipped_rules.value, paths }
}

/// What paths of sources are relative to: the folder of the configuration, else the current one.
pub(crate) fn folder(configuration: Option<&Path>) -> PathBuf {
    let parent = configuration.and_then(Path::parent).filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

/// The time of day.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
