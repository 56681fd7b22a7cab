	$(CHECK) ./$(NAME).so \
		--set notifier.check.path=check/journal
