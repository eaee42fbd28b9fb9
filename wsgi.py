"""What the web server loads."""

import os

from mountify import db, logs
from mountify.app import create_app
from mountify.config import load

logs.configure()
config = load(os.environ)
db.connect(config.database_url)
app = create_app(config)
