<?PHP
// Gives the posted token to the script that joins: on its standard input, so that it is in no list of processes and in no
// log. Unraid has checked the request's csrf token before this file is read. The answer is text, not markup.
header('Content-Type: text/plain; charset=utf-8');
header('X-Content-Type-Options: nosniff');

$token = $_POST['token'] ?? '';
if (($_SERVER['REQUEST_METHOD'] ?? '') !== 'POST' || !is_string($token) || trim($token) === '' || strlen($token) > 16384) {
  http_response_code(400);
  exit("no token was given\n");
}
$script = dirname(__DIR__).'/scripts/join';
$process = proc_open([$script], [0 => ['pipe', 'r'], 1 => ['pipe', 'w'], 2 => ['file', '/dev/null', 'w']], $pipes, '/');
if ($process === false) {
  http_response_code(500);
  exit("the agent cannot be started\n");
}
fwrite($pipes[0], trim($token)."\n");
fclose($pipes[0]);
echo stream_get_contents($pipes[1]);
fclose($pipes[1]);
proc_close($process);
