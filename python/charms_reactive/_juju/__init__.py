"""The one place that knows hookenv and hook tools: settings, log, relation data; of ours imports errors."""
