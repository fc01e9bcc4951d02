//! Sessions: roles assumed by people's keys, pipelines and services.

use countersign_model::Timestamp;

use super::Call;
use super::caller::{Session, role_arn};
use crate::estate::{CloudAccount, Role};
use crate::json::object;
use crate::random::Random;
use crate::time::{MINUTE, format_response};

/// `AssumeRole`, answered with the session's credentials.
pub(crate) fn assume_role(
    random: &mut Random,
    time: Timestamp,
    account: &CloudAccount,
    role: &Role,
    name: &str,
    session: &Session,
) -> Call {
    let token = random.letters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 160);
    let arn = role_arn(account, role);
    Call::read("sts", "AssumeRole")
        .request(object! { "roleArn" => &arn, "roleSessionName" => name.to_owned(), "durationSeconds" => 3600 })
        .response(object! {
            "credentials" => object! {
                "accessKeyId" => &session.access_key,
                "sessionToken" => token,
                "expiration" => format_response(time.plus_micros(60 * MINUTE)),
            },
            "assumedRoleUser" => object! {
                "assumedRoleId" => format!("{}:{name}", role.id),
                "arn" => format!("arn:aws:sts::{}:assumed-role/{}/{name}", account.id, role.name),
            },
        })
        .resource(arn, &account.id, "AWS::IAM::Role")
}
