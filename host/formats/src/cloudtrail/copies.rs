//! Copies of one act: CloudTrail records a call that concerns several accounts once in each of them.

use std::sync::Arc;

use countersign_model::vocabulary::FieldId;

use super::Call;
use super::outcome::member;
use crate::SharedAct;
use crate::documentation::Table;

/// What may differ between the copies of an act: their ids, their recipients and what only one of these knows.
const MAY_DIFFER: &[(FieldId, &str)] = &[
    (FieldId::MetadataUid, "each copy has an `eventID` of its own"),
    (FieldId::CloudAccountUid, "`recipientAccountId` is what makes it a copy"),
    (FieldId::SrcEndpointUid, "the endpoint is known to its owner only"),
    (FieldId::RawData, "the record as delivered"),
    (FieldId::Unmapped, "details of the recipient, such as `vpcEndpointAccountId`"),
];

/// The act of which a record is a copy, if it has a `sharedEventID`, a `requestID` and a `recipientAccountId`.
pub(super) fn shared_act(call: &Call<'_>) -> Option<SharedAct> {
    let shared = member(&call.top, "sharedEventID").text()?;
    let request = call.top.request_id.text()?;
    let recipient = call.top.recipient_account.text()?;
    // The length keeps the two ids apart.
    let id = format!("{} {shared} {request}", shared.len());
    Some(SharedAct {
        id,
        recipient: Arc::from(&*recipient),
        differing: MAY_DIFFER.iter().map(|(field, _)| *field).collect(),
    })
}

/// The table of the documentation.
pub(super) fn table() -> Table {
    let rows = MAY_DIFFER.iter().map(|(field, why)| vec![format!("`{}`", field.field().path), (*why).to_owned()]);
    Table { name: "copies", head: &["may differ between copies", "because"], rows: rows.collect() }
}
