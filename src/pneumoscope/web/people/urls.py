from django.urls import path

from pneumoscope.web.people import account, locking, sites, views, welcome

app_name = "people"
urlpatterns = [
    path("people/", views.people, name="people"),
    path("people/<int:person_id>/", views.person, name="person"),
    path("people/<int:person_id>/role/", views.role, name="role"),
    path("people/<int:person_id>/<slug:step>/", views.step, name="step"),
    path("sites/", sites.sites, name="sites"),
    path("sites/<slug:code>/", sites.site, name="site"),
    path("account/", account.account, name="account"),
    path("account/language/", account.language, name="language"),
    path("account/site/", account.working_site, name="working_site"),
    path("account/sessions/", account.sessions, name="sessions"),
    path("account/tokens/", account.tokens, name="tokens"),
    path("account/tokens/<str:digest>/revoke/", account.token_end, name="token_end"),
    path("welcome/<str:name>/<str:token>/", welcome.welcome, name="welcome"),
    path("session/", locking.session, name="session"),
    path("session/lock/", locking.session_lock, name="session_lock"),
    path("session/unlock/", locking.session_unlock, name="session_unlock"),
]
