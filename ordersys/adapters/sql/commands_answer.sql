-- What became of a command. $1 id, $2 outcome, $3 detail
update process_commands set answered_at = now(), outcome = $2, detail = $3 where id = $1
