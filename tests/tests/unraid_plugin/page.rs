//! The settings page and its parts, rendered by PHP: what others wrote is text in them, and the token reaches no argument.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use coord_tests::skip::skipped;

use super::{sources, unraid::put_program};

/// Does with a page what Unraid does: the header is ini, `_(text)_` is translated, the rest is PHP.
const RENDER: &str = r#"
function _($text) { return $text; }
function parse_plugin_cfg($name) { return json_decode(getenv('SETTINGS'), true); }
[$header, $content] = explode("\n---\n", file_get_contents(getenv('PAGE')), 2);
$page = parse_ini_string($header);
if (!$page || !$page['Menu'] || !$page['Title']) { fwrite(STDERR, "the header is invalid\n"); exit(1); }
$var = ['csrf_token' => 'A1B2'];
eval('?>'.preg_replace_callback('/_\((.+?)\)_/m', fn($found) => _($found[1]), $content));
"#;

const HOSTILE: &str = "\"'><script>alert(1)</script>";

fn plugin() -> PathBuf {
    sources().join("package/usr/local/emhttp/plugins/coord-agent")
}

/// PHP without its configuration; warnings fail.
fn php(code: &str) -> Command {
    let mut command = Command::new("php");
    let strict = "set_error_handler(function($n, $text) { fwrite(STDERR, $text); exit(1); });";
    command.args(["-n", "-r", &format!("{strict}{code}")]);
    command
}

fn there(test: &str) -> bool {
    let found = Command::new("php").arg("-v").output().is_ok();
    if !found {
        skipped(test, "needs PHP: apt-get install php-cli");
    }
    found
}

fn said(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_page_shows_settings_as_text() {
    if !there("the_page_shows_settings_as_text") {
        return;
    }
    let settings = serde_json::json!({"SERVICE": "disable", "NODE_NAME": HOSTILE, "COORDINATORS": "home:7443"});
    let mut command = php(RENDER);
    command.env("PAGE", plugin().join("CoordAgent.page")).env("SETTINGS", settings.to_string());
    let page = said(command);
    assert!(page.contains("<option value='disable' selected>No</option>"), "{page}");
    assert!(page.contains("value=\"home:7443\"") && page.contains("name=\"csrf_token\" value=\"A1B2\""));
    assert!(page.contains("value=\"&quot;&#039;&gt;&lt;script&gt;") && !page.contains("<script>alert"), "{page}");
    assert!(!page.contains("_(") && page.contains("name=\"#file\" value=\"coord-agent/coord-agent.cfg\""));
    // The web interface runs commands of its own folder only.
    assert!(plugin().join("scripts/apply").exists());
    assert!(page.contains("name=\"#command\" value=\"plugins/coord-agent/scripts/apply\""));
}

fn status(report: &str, identity: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (script, known) = (folder.path().join("status"), folder.path().join("identity.json"));
    fs::write(folder.path().join("report"), report).unwrap();
    put_program(&script, format!("#!/bin/sh\ncat '{}'\n", folder.path().join("report").display()).as_bytes());
    fs::write(&known, identity).unwrap();
    let mut command = Command::new("php");
    command.arg("-n").arg(plugin().join("include/status.php"));
    command.env("COORD_STATUS_SCRIPT", script).env("COORD_STATUS_IDENTITY", known);
    said(command)
}

#[test]
fn the_status_shows_what_others_wrote_as_text() {
    if !there("the_status_shows_what_others_wrote_as_text") {
        return;
    }
    let problem = serde_json::json!({"severity": "warning", "message": HOSTILE, "hint": HOSTILE});
    let report = serde_json::json!({"problems": [problem, "strange"]}).to_string();
    let identity = serde_json::json!({"key": "SECRET", "certificate": "x", "name": HOSTILE}).to_string();
    let html = status(&report, &identity);
    assert!(html.contains("warning: &quot;&#039;&gt;&lt;script&gt;") && !html.contains("<script"), "{html}");
    assert!(!html.contains("SECRET"), "{html}");
    assert!(status("{\"problems\":[]}", "{}").contains("nothing is wrong"));
    for broken in ["", "null", "[]", "{\"problems\":7}", "{"] {
        let html = status(broken, broken);
        assert!(html.contains("not read yet") && html.contains("not yet"), "{broken}: {html}");
    }
}

/// Posts `token` to a copy of the page's script beside a stand-in for the program that joins.
fn posted(folder: &Path, token: &str) -> String {
    fs::create_dir_all(folder.join("include")).unwrap();
    fs::create_dir_all(folder.join("scripts")).unwrap();
    fs::copy(plugin().join("include/join.php"), folder.join("include/join.php")).unwrap();
    put_program(&folder.join("scripts/join"), b"#!/bin/sh\necho \"arguments: $#\"; cat\n");
    let code =
        "$_SERVER['REQUEST_METHOD'] = 'POST'; $_POST['token'] = stream_get_contents(STDIN); include getenv('JOIN');";
    let mut command = php(code);
    command.env("JOIN", folder.join("include/join.php")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn the_token_is_given_on_standard_input_alone() {
    if !there("the_token_is_given_on_standard_input_alone") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(posted(folder.path(), "  token'\"$(id)\n"), "arguments: 0\ntoken'\"$(id)\n");
    for nothing in ["", " \n", &"x".repeat(20_000)] {
        assert_eq!(posted(folder.path(), nothing), "no token was given\n");
    }
}
