<?PHP
// The status box of the settings page: whether the agent runs, as whom it joined, and what is wrong with this machine.
// Every text comes from programs that read names given by others, so every text is escaped.
$coord_text = fn($value) => htmlspecialchars(is_scalar($value) ? (string)$value : '', ENT_QUOTES | ENT_SUBSTITUTE);

// Both can be set by a test; on Unraid nobody else can reach them.
$coord_script = getenv('COORD_STATUS_SCRIPT') ?: dirname(__DIR__).'/scripts/status';
$coord_identity = getenv('COORD_STATUS_IDENTITY') ?: '/var/lib/coord-agent/identity.json';

exec('/etc/rc.d/rc.coord-agent status 2>&1', $coord_service, $coord_code);
$coord_report = json_decode((string)shell_exec(escapeshellarg($coord_script).' 2>/dev/null'), true);
$coord_known = json_decode((string)@file_get_contents($coord_identity), true);
$coord_name = is_array($coord_known) && !empty($coord_known['certificate']) ? ($coord_known['name'] ?? '') : '';
unset($coord_known);
$coord_problems = is_array($coord_report) && is_array($coord_report['problems'] ?? null) ? $coord_report['problems'] : null;

$coord_state = $coord_code === 0 ? 'runs' : 'does not run';
echo "<dl><dt>Agent:</dt><dd>$coord_state</dd>\n";
echo '<dt>Joined:</dt><dd>', $coord_name === '' ? 'not yet' : 'as '.$coord_text($coord_name), "</dd>\n";
if ($coord_problems === null) {
  echo "<dt>This machine:</dt><dd>not read yet</dd></dl>\n";
  return;
}
echo '<dt>This machine:</dt><dd>', $coord_problems ? count($coord_problems).' found' : 'nothing is wrong', "</dd></dl>\n";
if ($coord_problems) {
  echo "<ul>\n";
  foreach ($coord_problems as $coord_problem) {
    if (!is_array($coord_problem)) continue;
    echo '<li>', $coord_text($coord_problem['severity'] ?? ''), ': ', $coord_text($coord_problem['message'] ?? '');
    if (!empty($coord_problem['hint'])) echo '<br>hint: <code>', $coord_text($coord_problem['hint']), '</code>';
    echo "</li>\n";
  }
  echo "</ul>\n";
}
