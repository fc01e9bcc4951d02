//! Looks at the host every few seconds, and says which alarms there are.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_recorder::Recorder;
use countersign_signing::Proof;

use crate::alarms::{Alarms, Seen};
use crate::generations::of_number;
use crate::shared::{Serving, Shared};

/// How often.
const EVERY: Duration = Duration::from_secs(2);

/// Looks at a host.
pub(crate) struct Sentinel {
    pub(crate) shared: Arc<Shared>,
    pub(crate) recorder: Recorder,
    /// The most bytes that are on record.
    pub(crate) max_bytes: u64,
}

impl Sentinel {
    /// Looks until the host is to stop.
    pub(crate) fn run(self) {
        let (mut alarms, began) = (Alarms::default(), Instant::now());
        while !self.shared.is_stopping() {
            self.shared.set_alarms(alarms.see(&self.look(began)));
            self.recorder.wait(EVERY, |_| self.shared.is_stopping());
        }
    }

    fn look(&self, began: Instant) -> Seen {
        let (judged, figures) = (self.shared.judged(), self.recorder.figures());
        let serving = self.shared.serving().map(|serving| self.applied(serving));
        let detections = serving.iter().flat_map(|serving| &serving.built.generation.detections);
        let own = detections.filter(|rule| rule.proof != Proof::Shipped);
        let own_rules: BTreeSet<_> = own.map(|rule| rule.identity.id.clone()).collect();
        let serves = serving.as_ref().map(|serving| serving.built.manifest.digest());
        // What was applied since the files were looked at serves.
        let on_disk = self.shared.on_disk().filter(|on_disk| on_disk.digest.is_none() || on_disk.digest != serves);
        Seen {
            now: self.recorder.now(),
            elapsed: began.elapsed(),
            stopped: judged.stopped,
            failing: figures.failing,
            waiting: (figures.waiting_bytes, self.max_bytes),
            figures: self.shared.figures(),
            judged: self.shared.tallies(),
            unwell: self.shared.unwell(),
            applied: serving.and_then(|serving| serving.applied),
            own_rules,
            left_out: judged.left_out,
            unsigned: self.shared.audited().problem,
            not_loaded: on_disk.map(|on_disk| on_disk.reasons),
        }
    }

    /// With when it was applied, which is read once.
    fn applied(&self, serving: Serving) -> Serving {
        if serving.applied.is_some() {
            return serving;
        }
        let reader = self.recorder.reader();
        let input = reader.and_then(|reader| of_number(&reader, serving.number));
        let Ok(Some(input)) = input else { return serving };
        self.shared.set_applied(serving.number, input.arrived);
        Serving { applied: Some(input.arrived), ..serving }
    }
}
