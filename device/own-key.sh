#!/bin/sh
# Gives a balena device a key of its own for Azure IoT Hub. README.md beside this file says how a fleet uses the script,
# and docs/own-keys.md describes the requests.
#
#   own-key.sh          keeps the device registered: first certificate, renewal, repair
#   own-key.sh once     the same, and ends as soon as the hub accepts the certificate
#   own-key.sh bridge   runs mosquitto, with a bridge to the hub
#
# With KEY_REQUEST=csr, the script sends a certificate request, and a CA of the operator signs the certificate.
#
# All state is in four files of $AZURE_DIR. Each file appears by a rename, so the script may be killed at any moment:
#   next.pem     key and certificate that the hub may not accept yet. With KEY_REQUEST=csr, the key alone until the CA has signed
#   device.pem   key and certificate that the hub accepts
#   ca.pem       the certificates of the CA, only with KEY_REQUEST=csr
#   hub-host     the host name of the hub
# No secret is printed, or is an argument of a program: curl reads the keys from its standard input.
set -u
umask 077

dir=${AZURE_DIR:-/azure}
days=${CERT_DAYS:-365}
kind=${KEY_REQUEST:-certificate}
uuid=${BALENA_DEVICE_UUID:-}
mode=${1:-run}

# A clock that shows a time before 2026-11-01 has not been set yet.
earliest=1793491200
day=86400
longest_back_off=3600

failures=0    # since the last success
asked=''      # the public key that the provisioner has accepted a request for
sleeper=''    # the process id of a program in the background
status=000    # of the last answer; 000: no answer
retry_after=0 # of the last answer, seconds
answer=''     # the body of the last answer
confirmed=no  # whether a request has shown, since the last check, that the device uses its own key

say() { printf 'own-key: %s\n' "$*"; }

stop() {
  say "$1"
  [ -z "$sleeper" ] || kill "$sleeper" 2> /dev/null
  exit "$2"
}
trap 'stop "The container stops." 143' TERM INT

usage() {
  say 'Usage: own-key.sh          keeps the device registered: first certificate, renewal, repair'
  say '       own-key.sh once     the same, and ends as soon as the hub accepts the certificate'
  say '       own-key.sh bridge   runs mosquitto, with a bridge to the hub'
  say 'The environment has the settings, see README.md beside this script.'
}

# ---- Programs and settings ---------------------------------------------------------------------------------------

# Ends with a message if one of these programs is missing.
check_programs() {
  for program in openssl "$@"; do
    command -v "$program" > /dev/null || stop "The program $program is missing. Build the image from the Dockerfile beside this script, or install $program." 2
  done
  case $(openssl version) in
    OpenSSL\ [3-9]*) ;;
    *) stop "OpenSSL 3 or newer is necessary, and this is $(openssl version). Build the image from the Dockerfile beside this script." 2 ;;
  esac
}

check_uuid() {
  case $uuid in
    '' | *[!0-9a-f]*) stop 'BALENA_DEVICE_UUID is missing, or is no UUID of balena (hexadecimal digits in lower case). balena sets this variable in each container. Elsewhere, copy the UUID from the dashboard.' 2 ;;
  esac
}

# Ends with a message if a setting is missing or wrong. balena starts the container again.
check_settings() {
  check_uuid
  case $days in
    '' | 0* | *[!0-9]* | ??????*) stop 'CERT_DAYS must be a number of days, such as 365.' 2 ;;
  esac
  case $kind in
    certificate | csr) ;;
    *) stop 'KEY_REQUEST must be certificate (the device signs its certificate itself) or csr (a CA signs). Correct the variable in balena.' 2 ;;
  esac
  case ${BALENA_API_KEY:-} in
    '') stop "BALENA_API_KEY is missing. The service needs the label io.balena.features.balena-api: '1'." 2 ;;
    *[!0-9A-Za-z._~+/=-]*) stop 'BALENA_API_KEY has a character that no API key has. Remove quotation marks, blanks and line ends.' 2 ;;
  esac
  case ${PROVISION_URL:-} in
    '') stop 'PROVISION_URL is missing. Set the fleet variable to the address of the function "provision" with its key: https://<function app>/api/provision?code=<key>' 2 ;;
    *[!0-9A-Za-z._~:/?@!\&=+,\;%-]*) stop 'PROVISION_URL has a character that no address has. Remove quotation marks, blanks and line ends.' 2 ;;
    https://* | http://localhost:* | http://127.0.0.1:*) ;;
    *) stop 'PROVISION_URL must begin with https://, such as https://<function app>/api/provision?code=<key>' 2 ;;
  esac
}

# ---- Time --------------------------------------------------------------------------------------------------------

now() { date +%s; }

# Prints the seconds since 1970 of a UTC time: "2026-11-26 21:33:24Z" of openssl, or "2026-11-26T21:33:24.000Z" of the provisioner.
seconds_of() { date -u -d "$(printf '%s' "$1" | sed 's/T/ /; s/[.Z].*//')" +%s 2> /dev/null; }

# Waits so many seconds, and a random part of up to a quarter more. The devices of a fleet do not repeat their requests together.
pause() {
  random=$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
  sleep $(($1 + $1 * random / 262144)) &
  sleeper=$!
  wait "$sleeper"
  sleeper=''
}

# Says a reason and waits: 10 s after the first failure, doubled after each further failure to one hour at most, and never
# less than the Retry-After of the last answer.
back_off() {
  failures=$((failures < 9 ? failures + 1 : 9))
  seconds=$((5 << failures))
  [ $seconds -le $longest_back_off ] || seconds=$longest_back_off
  [ "$retry_after" -le "$seconds" ] || seconds=$retry_after
  say "$1 The next attempt follows in $seconds s or a little later."
  retry_after=0
  pause "$seconds"
}

# Waits until the clock has been set. Before, a new certificate would be invalid, and TLS would fail.
wait_for_clock() {
  until [ "$(now)" -ge $earliest ]; do
    say "The clock shows $(date -u +%Y-%m-%d), which is in the past. The script waits until the clock is set: is a time server (NTP) within reach?"
    pause 10
  done
}

# ---- Pairs: a private key and its certificate in one file ---------------------------------------------------------

# Prints the SHA-256 thumbprint of a certificate as 64 upper-case hexadecimal digits, or nothing.
thumbprint() { openssl x509 -in "$1" -noout -fingerprint -sha256 2> /dev/null | sed 's/.*=//; s/://g'; }

# Prints the public key of the private key in a file, or nothing. Every new pair has a new key, so the public key identifies the pair.
public_key() { openssl pkey -in "$1" -pubout 2> /dev/null; }

# Whether a file has a key and the certificate of this key. A power failure can leave an empty file.
is_whole() {
  [ -s "$1" ] || return 1
  of_key=$(public_key "$1") || return 1
  of_certificate=$(openssl x509 -in "$1" -noout -pubkey 2> /dev/null) || return 1
  [ "$of_key" = "$of_certificate" ]
}

# Whether a file has everything for a request: a certificate request needs the key only.
is_ready() {
  if [ "$kind" = csr ]; then [ -s "$1" ] && public_key "$1" > /dev/null; else is_whole "$1"; fi
}

# Prints the time for the renewal of a certificate, in seconds since 1970: between 78 % and 80 % of its life. The thumbprint
# decides, so devices that were made together do not renew together.
renewal_time() {
  dates=$(openssl x509 -in "$1" -noout -dates -dateopt iso_8601) || return 1
  from=$(seconds_of "$(printf '%s' "$dates" | sed -n 's/^notBefore=//p')") || return 1
  until=$(seconds_of "$(printf '%s' "$dates" | sed -n 's/^notAfter=//p')") || return 1
  spread=$((0x$(thumbprint "$1" | cut -c 1-2)))
  echo $((from + (until - from) * (800 - 20 * spread / 255) / 1000))
}

# Writes a new key into a file, with a certificate that the key itself has signed. One call of openssl writes the key and then the
# certificate. With KEY_REQUEST=csr, the file has the key alone.
write_new() {
  if [ "$kind" = csr ]; then
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2> /dev/null
  else
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days "$days" -subj "/CN=$uuid" \
      -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature \
      -addext extendedKeyUsage=clientAuth -keyout "$1" -out "$1" 2> /dev/null
  fi
}

# Makes next.tmp the new next.pem.
keep_next() { chmod 600 "$dir/next.tmp" && sync && mv -f "$dir/next.tmp" "$dir/next.pem"; }

# Makes a new pair as next.pem.
make_pair() {
  say "makes a new private key$([ "$kind" = csr ] || echo ' and a certificate')."
  rm -f "$dir/next.tmp"
  if write_new "$dir/next.tmp" && is_ready "$dir/next.tmp" && keep_next; then return; fi
  back_off "The new key cannot be written into $dir: is the volume full or read-only? This service needs the volume without :ro."
}

# Joins the key of `pair` and `signed`, the certificate of the CA, to a whole pair as next.pem. openssl writes the file: no other
# program opens a file with the key.
join_signed() {
  { openssl pkey -in "$pair" && printf '%s\n' "$signed"; } | openssl base64 | openssl base64 -d -out "$dir/next.tmp"
  is_whole "$dir/next.tmp" && keep_next || return 1
  pair=$dir/next.pem
  thumb=$(thumbprint "$pair")
}

# Sets `pair` (a file), `key` (its public key) and `thumb` (empty without a certificate): the pair that the hub should accept. Makes a
# new pair if there is none, or if the present one is old.
choose_pair() {
  while :; do
    if is_ready "$dir/next.pem"; then
      pair=$dir/next.pem
    elif is_whole "$dir/device.pem" && [ "$(now)" -lt "$(renewal_time "$dir/device.pem")" ]; then
      pair=$dir/device.pem
    else
      make_pair
      continue
    fi
    key=$(public_key "$pair")
    thumb=$(thumbprint "$pair")
    return
  done
}

# ---- Requests ----------------------------------------------------------------------------------------------------

# Prints a text of the answer by the name of its member, in the form that JSON has, so without control characters. The texts of
# the provisioner cannot contain the pattern: a quotation mark inside a text is escaped.
whole_member() { printf '%s' "$answer" | tr -d '\r\n' | sed -nE 's/.*"'"$1"'" *: *"(([^"\\]|\\.)*)".*/\1/p'; }

# Prints at most 400 characters of such a text.
member() { whole_member "$1" | cut -c 1-400; }

# Prints a PEM of the answer by the name of its member, with line breaks; nothing if the member is null.
pem_member() { printf '%b' "$(whole_member "$1")"; }

# Sends a request (method, path after the address, options of curl) and sets `status`, `retry_after` and `answer`.
request() {
  method=$1
  path=$2
  shift 2
  case $PROVISION_URL in *\?*) query="?${PROVISION_URL#*\?}" ;; *) query='' ;; esac
  answer=$(
    curl --disable --config - --request "$method" "$@" --silent --connect-timeout 30 --max-time 90 --max-filesize 65536 \
      --write-out '\n%{http_code} %header{retry-after}' << CONFIG
url = "${PROVISION_URL%%\?*}$path$query"
header = "Authorization: Bearer $BALENA_API_KEY"
header = "Content-Type: application/json"
CONFIG
  )
  failure=$?
  last=$(printf '%s' "$answer" | sed -n '$p')
  answer=$(printf '%s' "$answer" | sed '$d')
  status=${last%% *}
  retry_after=${last#* }
  [ $failure = 0 ] || status=000
  case $retry_after in
    '' | *[!0-9]*) retry_after=0 ;;
    ??????*) retry_after=$day ;;
  esac
}

# Prints the meaning of an answer that is neither 200 nor 202.
explanation() {
  case $status-$failure in
    000-3) echo 'PROVISION_URL is no address. The form is https://<function app>/api/provision?code=<key>' ;;
    000-6) echo 'The name in PROVISION_URL cannot be resolved: is the network up? Otherwise correct the name.' ;;
    000-7) echo 'The provisioner cannot be reached: is the network up? Otherwise correct the name in PROVISION_URL.' ;;
    000-28) echo 'The provisioner did not answer in time.' ;;
    000-18 | 000-52 | 000-55 | 000-56) echo 'The connection to the provisioner was cut before the whole answer was there.' ;;
    000-35 | 000-60) echo 'TLS to the provisioner failed: is the clock right, and does nobody intercept the connection?' ;;
    000-77) echo 'The CAs of this image cannot be read: install the package ca-certificates.' ;;
    000-*) echo "The provisioner cannot be reached (curl ended with $failure: man curl has the meaning)." ;;
    401-*)
      case $(member code) in
        '') echo 'The provisioner refuses the key in PROVISION_URL (401). Copy the address again, with ?code=<key> at its end.' ;;
        *) echo "The provisioner refuses BALENA_API_KEY, the API key of this device. Does balena have the device in the fleet? $(told)" ;;
      esac
      ;;
    403-*) echo "The provisioner does not serve the fleet of this device. An operator has to serve the fleet. $(told)" ;;
    3??-* | 404-* | 405-*) elsewhere ;;
    5??-*) echo "$(told) The provisioner should work again later." ;;
    *) told ;;
  esac
}

told() {
  code=$(member code)
  detail=$(member detail)
  echo "The provisioner answers $status${code:+ $code}.${detail:+ $detail}"
}

elsewhere() { echo "The answer ($status) is not from the provisioner: PROVISION_URL must be https://<function app>/api/provision?code=<key>"; }

# ---- Registration ------------------------------------------------------------------------------------------------

# Prints the proof of `pair` as base64 of a PEM: its certificate, or a certificate request that its key signs.
proof_of_key() {
  if [ "$kind" = csr ]; then openssl req -new -key "$pair" -sha256 -subj "/CN=$uuid"; else openssl x509 -in "$pair"; fi | openssl base64 -A
}

# Requests that the hub accepts `pair`.
ask() {
  uses=''
  # A service has made this file: the device connects with device.pem.
  [ ! -e "$dir/in-use" ] || uses=$(thumbprint "$dir/device.pem")
  request POST '' --data "{\"uuid\":\"$uuid\",\"$kind\":\"$(proof_of_key)\"${uses:+,\"uses\":\"$uses\"}}"
  case $status in
    200) conclude ;;
    202)
      asked=$key
      [ "$retry_after" != 0 ] || retry_after=10
      say "The provisioner has accepted the request. The script looks at the state in $retry_after s."
      pause "$retry_after"
      ;;
    *) refused ;;
  esac
}

# Waits after a refused request. A refused certificate or key is replaced: another attempt with the same one is useless.
refused() {
  code=$(member code)
  back_off "$(explanation)"
  case $code in
    provision.request.*certificate* | provision.request.csr-w* | certificate-revoked) make_pair ;;
  esac
}

# Reads the state of the device.
look() {
  request GET "/$uuid"
  case $status in
    200) conclude ;;
    404) asked='' ;;
    *) back_off "$(explanation)" ;;
  esac
}

# Whether the hub accepts `pair`, by the answer. Sets `signed` to the certificate if the CA has signed a new one for the key.
is_accepted() {
  signed=''
  [ -z "$thumb" ] || [ "$(member thumbprint)" != "$thumb" ] || return 0
  signed=$(pem_member pem | openssl x509 2> /dev/null) || return 1
  [ "$(printf '%s\n' "$signed" | openssl x509 -noout -pubkey)" = "$key" ]
}

# Acts on an answer with the state of the device.
conclude() {
  state=$(member state)
  host=$(member hubHost)
  case $state in
    '')
      back_off "$(elsewhere)."
      return
      ;;
    provisioned)
      if [ -n "$host" ] && is_accepted; then
        settle
        return
      fi
      ;;
    queued | working | retrying)
      code=$(member code)
      expected=$(seconds_of "$(member expectedAt)") || expected=0
      seconds=$((expected - $(now)))
      [ "$seconds" -ge 5 ] || seconds=5
      [ "$seconds" -le $longest_back_off ] || seconds=$longest_back_off
      say "The script waits for the hub to accept the certificate (state $state${code:+, last failure $code: $(member message)}). The next look follows in $seconds s."
      pause "$seconds"
      return
      ;;
  esac
  # The certificate of the last request is not the accepted one: the script sends a new request.
  asked=''
  back_off "The hub does not accept the certificate of this device (state $state)."
}

# Writes a text into a file (name, text), unless the file has this text.
put() {
  [ "$(cat "$dir/$1" 2> /dev/null)" = "$2" ] || { printf '%s\n' "$2" > "$dir/$1.tmp" && sync && mv -f "$dir/$1.tmp" "$dir/$1"; }
}

# Puts the host name of the hub and the certificates of the CA, and then the pair, to the places where other services read them.
publish() {
  [ -z "$signed" ] || join_signed || return 1
  put hub-host "$host" || return 1
  chain=$(pem_member chain)
  [ -z "$chain" ] || put ca.pem "$chain" || return 1
  if [ "$pair" = "$dir/next.pem" ]; then
    mv -f "$dir/next.pem" "$dir/device.pem" || return 1
    pair=$dir/device.pem
  fi
}

# The hub accepts `pair`: switches to this pair, and waits until the next check or the renewal.
settle() {
  asked=$key
  if ! publish; then
    back_off "The certificate cannot be written into $dir: is the volume full or read-only? This service needs the volume without :ro."
    return
  fi
  failures=0
  say "The hub $host accepts the certificate $(printf '%.16s' "$thumb")…"
  # An issued key is still valid beside the own key. A request with `uses` ends this.
  if [ $confirmed = no ] && [ -e "$dir/in-use" ] && [ -n "$(member issuedUntil)" ]; then
    confirmed=yes
    asked=''
    return
  fi
  [ "$mode" != once ] || exit 0
  confirmed=no
  seconds=$(($(renewal_time "$pair") - $(now)))
  [ $seconds -le $day ] || seconds=$day
  [ $seconds -le 0 ] || pause "$seconds"
}

register() {
  check_programs curl
  check_settings
  mkdir -p "$dir" || stop "The folder $dir cannot be made. Mount the volume there, as example/docker-compose.yml does, or set AZURE_DIR." 2
  rm -f "$dir"/*.tmp
  # After a restart, the state is read first: a device that the hub accepts already costs no work.
  asked=$(public_key "$dir/device.pem")
  while :; do
    wait_for_clock
    choose_pair
    if [ "$asked" = "$key" ]; then look; else ask; fi
  done
}

# ---- Bridge ------------------------------------------------------------------------------------------------------

# Writes the configuration of mosquitto. Local clients publish to `telemetry`, and subscribe to `commands/#`.
write_bridge() {
  cat > "$1" << CONFIG
listener ${MQTT_PORT:-1883}
allow_anonymous true
user root
connection hub
address $host:${HUB_PORT:-8883}
remote_clientid $uuid
remote_username $host/$uuid/?api-version=2021-04-12
bridge_protocol_version mqttv311
bridge_cafile ${HUB_CA:-/etc/ssl/certs/ca-certificates.crt}
bridge_certfile $dir/device.pem
bridge_keyfile $dir/device.pem
try_private false
notifications false
bridge_attempt_unsubscribe false
restart_timeout 5 60
topic "" out 1 telemetry devices/$uuid/messages/events/
topic # in 1 commands/ devices/$uuid/messages/devicebound/
CONFIG
}

# Runs mosquitto, and starts mosquitto again after a renewal or a change of the hub.
bridge() {
  until is_whole "$dir/device.pem" && [ -s "$dir/hub-host" ]; do
    say "The bridge waits for $dir/device.pem: the hub does not accept this device yet. The log of the service own-key says why."
    pause 5
  done
  host=$(cat "$dir/hub-host")
  thumb=$(thumbprint "$dir/device.pem")
  configuration=${TMPDIR:-/tmp}/bridge.conf
  write_bridge "$configuration"
  mosquitto -c "$configuration" &
  broker=$!
  trap 'kill "$broker" 2> /dev/null; stop "The container stops." 143' TERM INT
  while [ "$(thumbprint "$dir/device.pem")$(cat "$dir/hub-host")" = "$thumb$host" ]; do
    kill -0 "$broker" 2> /dev/null || stop 'mosquitto has ended. The lines of mosquitto above say why.' 1
    pause 30
  done
  say 'The certificate or the hub has changed: mosquitto starts again.'
  kill "$broker"
  wait "$broker"
}

case $mode in
  run | once) register ;;
  bridge)
    check_programs mosquitto
    check_uuid
    while :; do bridge; done
    ;;
  -h | --help | help) usage ;;
  *)
    usage
    stop "The argument must be run, once or bridge, and not $mode." 2
    ;;
esac
