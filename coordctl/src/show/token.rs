//! What stands beside a fresh token: for whom, until when, and the lines to type on the machine.

use coord_model::CreatedToken;

use super::text::age;

/// What each platform installs the agent with. Packages carry the version of this coordctl.
const PLATFORMS: [(&str, &str); 5] = [
    ("Debian, Proxmox guest", "apt install ./coord-agent_VERSION_amd64.deb"),
    ("Raspberry Pi OS", "apt install ./coord-agent_VERSION_arm64.deb"),
    ("Fedora", "dnf install ./coord-agent-VERSION-1.x86_64.rpm"),
    ("LXC", "as on Debian, inside the container"),
    ("Unraid", "the plugin coord-agent; paste the token on its page"),
];

/// The talk around a token; the token itself goes to stdout alone. `until` is the time of day where people are.
pub(crate) fn created(token: &CreatedToken, name: Option<&str>, operator: bool, until: &str) -> String {
    let whom = name.map_or_else(|| "any machine".to_owned(), ToOwned::to_owned);
    let life = age(token.lifetime.as_secs_f64());
    if operator {
        let whom = name.map_or_else(|| "an operator".to_owned(), |name| format!("operator {name}"));
        return format!(
            "Token for {whom}, good once, until {until} ({life}).\n\
             On the operator's machine:\n  \
             coordctl context add NAME        (paste the token)\n"
        );
    }
    format!(
        "Token for {whom}, good once, until {until} ({life}).\n\
         On the machine, as root:\n{}  \
         then                   coord-agent join        (paste the token)\n",
        installing()
    )
}

/// One line a platform.
fn installing() -> String {
    let line = |(platform, how): (&str, &str)| format!("  {platform:<23}{how}\n");
    PLATFORMS.map(line).concat().replace("VERSION", env!("CARGO_PKG_VERSION"))
}
