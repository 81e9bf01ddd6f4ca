# Turns a line that was refused into one that cannot be: its own text, and why it was refused.

def filter(event)
  original = event.to_json
  reason = event.get("[@metadata][dead_letter_queue][reason]")
  event.to_hash.each_key { |name| event.remove(name) unless name == "@timestamp" }
  event.set("message", "a line was refused by Elasticsearch")
  event.set("[log][level]", "error")
  event.set("[error][message]", reason)
  event.set("event", { "kind" => "pipeline_error", "dataset" => "vestibule.dead_letters", "original" => original })
  event.set("data_stream", { "type" => "logs", "dataset" => "vestibule", "namespace" => "dead_letters" })
  [event]
end
