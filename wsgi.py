"""What the web server loads."""

import os
import sys

from mountify import db, logs
from mountify.app import create_app
from mountify.config import ConfigError, load

logs.configure()
try:
    config = load(os.environ)
except ConfigError as error:
    sys.exit(f"Mountify: {error}")
db.connect(config.database_url)
app = create_app(config)
