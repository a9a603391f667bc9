"""What to do about each kind of alert, in a sentence, as docs/alerts.md has it at length."""

from __future__ import annotations

ADVICE = {
    "no_usable_provider": "Switch a provider on, or enter a key and test it.",
    "config_flagged": "Do what the message says at the vendor, then press Test at the provider.",
    "key_undecryptable": "Put the old key back last in FERNET_KEYS, or enter the API key again.",
    "key_expired": "Rotate the key under API keys.",
    "key_expires_soon": "Rotate the key under API keys before it expires.",
    "default_inactive": "Switch the default on, or make another provider the default.",
    "task_without_first_choice": "Mend one of the first choices, or choose another one.",
    "circuit_open": "Provider health says why. It closes by the first call that is answered.",
    "error_rate": "Look at the kinds of error in the usage log. Take the provider out of service if others "
    "can answer.",
    "latency": "Look at the vendor's status page, choose a faster model, or give the provider less weight.",
    "quota_exceeded": "Nothing, or a larger plan.",
    "provider_quota_exceeded": "Raise a provider's limit, or add a provider.",
    "price_unknown": "Enter a price for the model under Prices.",
    "no_capable_provider": "Correct the model's capabilities, or choose another model.",
    "provider_limit_reached": "Raise the limit, or wait for the day or month (UTC) to end.",
    "provider_limit_near": "Raise the limit, or wait for the day or month (UTC) to end.",
    "cost_rise": "Look at the provider's statistics, by task and by user.",
    "unknown_price": "Enter a price for the model under Prices.",
    "worker_dead": "Start the worker; its log says why it ended.",
    "beat_dead": "Start beat; one is enough, and two do no harm.",
    "lost_calls": "Look at the processes' logs: killed, out of memory, or deployed without waiting?",
    "audit_broken": "Keep the database as it is, run manage.py verify_audit, and compare with a backup and "
    "an anchor.",
    "pruning_held_up": "Do what the message says; the worker goes on with its next run.",
    "channel_failing": "Alert deliveries say why; mend it, and send the channel a test.",
}
