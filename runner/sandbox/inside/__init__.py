"""Programs that run inside the sandbox; the host reads them as data and never imports them."""
