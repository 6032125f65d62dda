<?php
// Receives the events of wabridge: checks who sent them, answers at once, works later.
//   WEBHOOK_SECRET=whsec_… php -S 127.0.0.1:8000 receiver.php
const PATH = '/hooks/whatsapp';
$secret = getenv('WEBHOOK_SECRET');

// Standard Webhooks: signed with our secret, not older than five minutes.
function verify(string $secret, string $body): bool
{
    $stamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!ctype_digit($stamp) || abs(time() - (int) $stamp) > 300) {
        return false;
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret));
    $signed = ($_SERVER['HTTP_WEBHOOK_ID'] ?? '') . ".$stamp.$body";
    $want = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true));
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $given) {
        if (hash_equals($want, $given)) {
            return true;
        }
    }
    return false;
}

// X-Hub-Signature-256, as GitHub and Meta sign; it knows no time.
function verify_hub(string $secret, string $body): bool
{
    $want = 'sha256=' . hash_hmac('sha256', $body, $secret);
    return hash_equals($want, $_SERVER['HTTP_X_HUB_SIGNATURE_256'] ?? '');
}

// One of the two is enough. Choose here, never by what the sender brings.
$check = getenv('WEBHOOK_CHECK') === 'hub' ? 'verify_hub' : 'verify';

$body = file_get_contents('php://input');
if (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) !== PATH || !$check($secret, $body)) {
    http_response_code(401);
    exit;
}
http_response_code(204);
$event = json_decode($body, true);
// Store it under its id, so that one that arrives twice is there once; a job does the work.
error_log($event['id'] . ' ' . $event['type']);
