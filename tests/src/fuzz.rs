//! Runs the fuzz targets of `tests/fuzz`: builds them for libFuzzer, gives each what recorded hosts hold, and lets it
//! look for `FUZZ_SECONDS`.
//!
//! Coverage comes from flags that the stable compiler takes. There is no sanitiser: the parsers have no unsafe code, and
//! overflows and panics are found without one.

use std::{
    env, fs, io,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

mod corpus;

use corpus::{TARGETS, Target};

/// How long each target looks, unless `FUZZ_SECONDS` says something else.
const SECONDS: u64 = 60;
/// What makes a program that libFuzzer can steer.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Runs the named targets, or all.
pub fn main(arguments: impl Iterator<Item = String>) -> ExitCode {
    let wanted: Vec<String> = arguments.collect();
    if let Some(unknown) = wanted.iter().find(|name| !TARGETS.iter().any(|target| target.name == **name)) {
        say(&format!("error: there is no fuzz target {unknown:?}"));
        return ExitCode::FAILURE;
    }
    match all(&wanted) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: the fuzz targets cannot be run: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// How many targets found something.
fn all(wanted: &[String]) -> io::Result<usize> {
    let seconds = env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let programs = build()?;
    let mut found = 0;
    for target in TARGETS.iter().filter(|target| wanted.is_empty() || wanted.iter().any(|name| name == target.name)) {
        found += usize::from(!run(target, &programs, seconds)?);
    }
    say(&format!("{found} fuzz targets found something"));
    Ok(found)
}

/// Builds all targets; the folder that holds them.
fn build() -> io::Result<PathBuf> {
    let triple = triple()?;
    let below = work()?.join("build");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--locked", "--bins", "--target", &triple]);
    cargo.arg("--manifest-path").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml"));
    cargo.env("CARGO_TARGET_DIR", &below).env("RUSTFLAGS", FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS");
    if !cargo.stdin(Stdio::null()).status()?.success() {
        return Err(io::Error::other("they do not build"));
    }
    Ok(below.join(triple).join("release"))
}

/// What this compiler builds for. A target that is named keeps the flags away from build scripts.
fn triple() -> io::Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| io::Error::other("rustc does not say what it builds for"))
}

/// Where everything of fuzzing is kept between runs.
fn work() -> io::Result<PathBuf> {
    let own = env::current_exe()?;
    let target = own.ancestors().nth(2).ok_or_else(|| io::Error::other("no folder for what is built"))?;
    Ok(target.join("fuzz"))
}

/// Whether one target found nothing.
fn run(target: &Target, programs: &Path, seconds: u64) -> io::Result<bool> {
    let corpus = work()?.join("corpus").join(target.name);
    fs::create_dir_all(&corpus)?;
    let seeds = target.seed(&corpus)?;
    let artifacts = format!("{}/", work()?.join("found").join(target.name).display());
    fs::create_dir_all(&artifacts)?;
    let mut command = Command::new(programs.join(target.name));
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={artifacts}"));
    command.args(["-print_final_stats=1", "-timeout=5", "-rss_limit_mb=1024"]);
    command.arg(format!("-max_len={}", target.longest)).arg(&corpus);
    let output = command.stdin(Stdio::null()).output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    let runs = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let runs = runs.map_or("an unknown number", str::trim);
    let good = output.status.success();
    if good {
        say(&format!("{:<16} {seeds} seeds, {runs} inputs in {seconds} s, nothing found", target.name));
    } else {
        say(&format!("{log}\n{:<16} FOUND SOMETHING, kept below {artifacts}", target.name));
    }
    Ok(good)
}

/// A reader that left does not end the run.
fn say(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}
