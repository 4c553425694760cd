"""The WSGI application that gunicorn serves."""

from django.core.wsgi import get_wsgi_application

from pneumoscope.web.config import settings_use

settings_use()
application = get_wsgi_application()
